"Lesson 12: a model answer to each exercise, and answers that are typical and wrong."
import torch


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


def to_the_middle_cut_off(x):
    row, column = centre(x)
    return torch.roll(x, (int(14 - row), int(14 - column)), (0, 1))


def to_the_middle_by_box(x):
    rows, columns = (x.sum(axis).nonzero().flatten().float() for axis in (1, 0))
    return torch.roll(x, (round(14 - rows.mean().item()), round(14 - columns.mean().item())), (0, 1))


def to_the_middle_not(x):
    return x


def hold_back(writers):
    return torch.isin(writers, writers.unique()[::2])


def hold_back_by_chance(writers):
    each = writers.unique()
    chosen = each[torch.randperm(len(each))[:-(-len(each) // 2)]]
    return torch.isin(writers, chosen)


def hold_back_pictures(writers):
    return torch.arange(len(writers)) % 2 == 0


def hold_back_too_few(writers):
    return writers < len(writers.unique()) // 2


def hold_back_too_many(writers):
    return writers % 5 != 0


def hold_back_the_first_numbers(writers):
    return writers < len(writers.unique()) / 2


def hold_back_a_set_of_tensors(writers):
    each = sorted(set(writers))  # every tensor is a thing of its own
    return torch.isin(writers, torch.stack(each[:-(-len(each) // 2)]))


def hold_back_up_to_half_of_the_largest(writers):
    return writers <= round(writers.max().item() / 2)


def right_of_answered(probability, right, threshold):
    return right[probability >= threshold].float().mean()


def right_of_all(probability, right, threshold):
    return ((probability >= threshold) & right).float().mean()


def right_above(probability, right, threshold):
    return right[probability > threshold].float().mean()


def share_answered(probability, right, threshold):
    return (probability >= threshold).float().mean()


def share_of_the_right(probability, right, threshold):
    return right[probability >= threshold].sum() / right.sum()


SOLUTIONS = {  # check -> (right answers, wrong answers)
    'check_12_1': ([to_the_middle],
                   [to_the_middle_backwards, to_the_middle_swapped, to_the_middle_by_box, to_the_middle_cut_off, to_the_middle_not]),
    'check_12_2': ([hold_back, hold_back_by_chance],
                   [hold_back_pictures, hold_back_too_few, hold_back_too_many, hold_back_the_first_numbers,
                    hold_back_up_to_half_of_the_largest, hold_back_a_set_of_tensors]),
    'check_12_3': ([right_of_answered], [right_of_all, right_above, share_answered, share_of_the_right]),
}
