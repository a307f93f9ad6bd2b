"Lesson 10: a model answer to each exercise, and answers that are typical and wrong."
import torch
import torch.nn.functional as F


def one_hot(labels, k):
    return F.one_hot(labels, k).float()


def one_hot_whole(labels, k):
    return F.one_hot(labels, k)


def one_hot_transposed(labels, k):
    return F.one_hot(labels, k).float().T


def one_hot_from_one(labels, k):
    return (labels[:, None] == torch.arange(1, k + 1)).float()


def recall(matrix):
    return matrix.diagonal() / matrix.sum(1)


def recall_by_columns(matrix):
    return matrix.diagonal() / matrix.sum(0)


def recall_of_all(matrix):
    return matrix.diagonal().sum() / matrix.sum()


def top3(preds, targets):
    return (preds.topk(3, 1).indices == targets.unsqueeze(1)).any(1).float().mean()


def top1(preds, targets):
    return (preds.argmax(1) == targets).float().mean()


def top3_all_places(preds, targets):
    return (preds.topk(3, 1).indices == targets.unsqueeze(1)).float().mean()


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_10_1': ([one_hot], [one_hot_whole, one_hot_transposed, one_hot_from_one]),
    'check_10_2': ([recall], [recall_by_columns, recall_of_all]),
    'check_10_3': ([top3], [top1, top3_all_places]),
}
