"Lesson 04: a model answer to each exercise, and answers that are typical and wrong."


def make_targets(labels):
    return (labels == 3).long().unsqueeze(1)


def targets_without_axis(labels):
    return (labels == 3).long()


def targets_other_way_round(labels):
    return (labels == 7).long().unsqueeze(1)


def targets_bool(labels):
    return (labels == 3).unsqueeze(1)


def larger_score(xb, weights, bias):
    return (xb @ weights + bias).argmax(1)


def larger_without_bias(xb, weights, bias):
    return (xb @ weights).argmax(1)


def larger_scores_themselves(xb, weights, bias):
    return (xb @ weights + bias).max(1).values


def larger_along_pictures(xb, weights, bias):
    return (xb @ weights + bias).argmax(0)


def distance_loss(preds, targets):
    return (targets - preds).abs().mean()


def distance_signed(preds, targets):
    return (targets - preds).mean()


def distance_squared(preds, targets):
    return ((targets - preds)**2).mean()


def distance_sum(preds, targets):
    return (targets - preds).abs().sum()


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_04_1': ([make_targets], [targets_without_axis, targets_other_way_round, targets_bool]),
    'check_04_2': ([larger_score], [larger_without_bias, larger_scores_themselves, larger_along_pictures]),
    'check_04_3': ([distance_loss], [distance_signed, distance_squared, distance_sum]),
}
