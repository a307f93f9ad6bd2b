"Lesson 12: a model answer to each exercise, and answers that are typical and wrong."
import torch


def paper_is_light(x):
    return (x > .5).float().mean() > .5


def paper_is_light_by_median(x):
    return bool(x.median() > .5)


def paper_is_light_by_mean(x):
    return x.mean() > .5


def paper_is_light_by_corner(x):
    return x[0, 0] > .5


def paper_is_light_by_maximum(x):
    return x.max() > .5


def paper_is_dark(x):
    return x.median() <= .5


def centre(x):
    count = torch.arange(28)
    return (x.sum(1) * count).sum() / x.sum(), (x.sum(0) * count).sum() / x.sum()


def to_the_middle(x):
    row, column = centre(x)
    return torch.roll(x, (round(14 - row.item()), round(14 - column.item())), (0, 1))


def to_the_middle_backwards(x):
    row, column = centre(x)
    return torch.roll(x, (round(row.item() - 14), round(column.item() - 14)), (0, 1))


def to_the_middle_swapped(x):
    row, column = centre(x)
    return torch.roll(x, (round(14 - column.item()), round(14 - row.item())), (0, 1))


def to_the_middle_by_box(x):
    rows, columns = (x.sum(axis).nonzero().flatten().float() for axis in (1, 0))
    return torch.roll(x, (round(14 - rows.mean().item()), round(14 - columns.mean().item())), (0, 1))


def to_the_middle_not(x):
    return x


def right_of_answered(probability, right, threshold):
    return right[probability >= threshold].float().mean()


def right_of_all(probability, right, threshold):
    return ((probability >= threshold) & right).float().mean()


def right_above(probability, right, threshold):
    return right[probability > threshold].float().mean()


def share_answered(probability, right, threshold):
    return (probability >= threshold).float().mean()


SOLUTIONS = {  # check -> (right answers, wrong answers)
    'check_12_1': ([paper_is_light, paper_is_light_by_median],
                   [paper_is_light_by_mean, paper_is_light_by_corner, paper_is_light_by_maximum, paper_is_dark]),
    'check_12_2': ([to_the_middle], [to_the_middle_backwards, to_the_middle_swapped, to_the_middle_by_box, to_the_middle_not]),
    'check_12_3': ([right_of_answered], [right_of_all, right_above, share_answered]),
}
