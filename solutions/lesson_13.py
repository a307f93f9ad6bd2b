"Lesson 13: a model answer to each exercise, and answers that are typical and wrong."
import torch


def gradient_of_all(grads, items):
    return (grads * items[:, None]).sum(0) / items.sum()


def gradient_by_product(grads, items):
    return items.float() @ grads / items.sum()


def gradient_plain_mean(grads, items):
    return grads.mean(0)


def gradient_summed(grads, items):
    return grads.sum(0)


def gradient_not_divided(grads, items):
    return (grads * items[:, None]).sum(0)


def gradient_divided_by_shares(grads, items):
    return (grads * items[:, None]).mean(0)


def my_share(rows, rank, count):
    return rows[rank::count]


def my_share_in_a_piece(rows, rank, count):
    return torch.tensor_split(rows, count)[rank]


def my_share_by_size(rows, rank, count):
    size = len(rows) // count
    return rows[rank * size:(rank + 1) * size]


def my_share_rounded_up(rows, rank, count):
    size = -(-len(rows) // count)
    return rows[rank * size:(rank + 1) * size]


def my_share_is_all(rows, rank, count):
    return rows


def my_share_from_count(rows, rank, count):
    return rows[count::rank + 1]


def accuracy_of_all(right, items):
    return right.sum() / items.sum()


def accuracy_mean_of_shares(right, items):
    return (right / items).mean()


def accuracy_of_each(right, items):
    return right / items


def accuracy_counted(right, items):
    return right.sum()


SOLUTIONS = {  # check -> (right answers, wrong answers)
    'check_13_1': ([gradient_of_all, gradient_by_product],
                   [gradient_plain_mean, gradient_summed, gradient_not_divided, gradient_divided_by_shares]),
    'check_13_2': ([my_share, my_share_in_a_piece], [my_share_by_size, my_share_rounded_up, my_share_is_all, my_share_from_count]),
    'check_13_3': ([accuracy_of_all], [accuracy_mean_of_shares, accuracy_of_each, accuracy_counted]),
}
