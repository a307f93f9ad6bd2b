"Lesson 08: a model answer to each exercise, and answers that are typical and wrong."


def my_relu(x):
    return x.clamp(min=0)


def relu_absolute(x):
    return x.abs()


def relu_sign(x):
    return (x > 0).float()


def relu_in_place(x):
    x[x < 0] = 0
    return x


def count_parameters(model):
    return sum(p.numel() for p in model.parameters())


def count_tensors(model):
    return len(list(model.parameters()))


def count_weights(model):
    return sum(p.numel() for p in model.parameters() if p.ndim == 2)


def dead_units(model, xb):
    hidden = model[1](model[0](xb))
    return (hidden == 0).all(0).sum()


def dead_for_some_picture(model, xb):
    return (model[1](model[0](xb)) == 0).any(0).sum()


def dead_zeros(model, xb):
    return (model[1](model[0](xb)) == 0).sum()


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_08_1': ([my_relu], [relu_absolute, relu_sign, relu_in_place]),
    'check_08_2': ([count_parameters], [count_tensors, count_weights]),
    'check_08_3': ([dead_units], [dead_for_some_picture, dead_zeros]),
}
