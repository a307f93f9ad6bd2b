"Lesson 08: a model answer to each exercise, and answers that are typical and wrong."


def corner_weights(ink):
    return [[1, 1], [1, 1]], [0, -ink], [[1, -2]], [-ink / 2]


def corners_taken_once(ink):
    return [[1, 1], [1, 1]], [0, -ink], [[1, -1]], [-ink / 2]


def corners_without_a_last_bias(ink):
    return [[1, 1], [1, 1]], [0, -ink], [[1, -2]], [1]


def corners_of_1(ink):
    return [[1, 1], [1, 1]], [0, -1], [[1, -2]], [-.5]


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
    'check_08_1': ([corner_weights], [corners_taken_once, corners_without_a_last_bias, corners_of_1]),
    'check_08_2': ([count_parameters], [count_tensors, count_weights]),
    'check_08_3': ([dead_units], [dead_for_some_picture, dead_zeros]),
}
