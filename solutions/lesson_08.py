"Lesson 08: a model answer to each exercise, and answers that are typical and wrong."


def score_without(model, xb, off):
    hidden = model[1](model[0](xb))
    hidden[:, off] = 0
    return model[2](hidden)


def votes_without(model, xb, off):
    votes = model[1](model[0](xb)) * model[2].weight[0]
    votes[:, off] = 0
    return votes.sum(1, keepdim=True) + model[2].bias


def score_with_all(model, xb, off):
    return model(xb)


def score_of_those_off(model, xb, off):
    hidden = model[1](model[0](xb))
    return hidden[:, off] @ model[2].weight[:, off].T + model[2].bias


def score_without_the_bias(model, xb, off):
    return score_without(model, xb, off) - model[2].bias


def score_without_the_bend(model, xb, off):
    hidden = model[0](xb)
    hidden[:, off] = 0
    return model[2](hidden)


def score_in_a_row(model, xb, off):
    return score_without(model, xb, off)[:, 0]


def corner_weights(ink):
    return [[1, 1], [1, 1]], [0, -ink], [[1, -2]], [-ink / 2]


def corners_taken_once(ink):
    return [[1, 1], [1, 1]], [0, -ink], [[1, -1]], [-ink / 2]


def corners_without_a_last_bias(ink):
    return [[1, 1], [1, 1]], [0, -ink], [[1, -2]], [1]


def corners_of_1(ink):
    return [[1, 1], [1, 1]], [0, -1], [[1, -2]], [-.5]


def corners_at_zero(ink):
    return [[1, 1], [1, 1]], [0, -ink], [[1, -2]], [0]


def dead_units(model, xb):
    hidden = model[1](model[0](xb))
    return (hidden == 0).all(0).sum()


def dead_for_some_picture(model, xb):
    return (model[1](model[0](xb)) == 0).any(0).sum()


def dead_without_the_bend(model, xb):
    return (model[0](xb) == 0).all(0).sum()


def dead_zeros(model, xb):
    return (model[1](model[0](xb)) == 0).sum()


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_08_1': ([score_without, votes_without],
                   [score_with_all, score_of_those_off, score_without_the_bias, score_without_the_bend, score_in_a_row]),
    'check_08_2': ([corner_weights], [corners_taken_once, corners_without_a_last_bias, corners_at_zero, corners_of_1]),
    'check_08_3': ([dead_units], [dead_for_some_picture, dead_without_the_bend, dead_zeros]),
}
