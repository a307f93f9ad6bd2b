"Lesson 10: a model answer to each exercise, and answers that are typical and wrong."
import torch


def softmax_safe(logits):
    exp = (logits - logits.amax(-1, keepdim=True)).exp()
    return exp / exp.sum(-1, keepdim=True)


def softmax_naive(logits):
    return logits.exp() / logits.exp().sum(-1, keepdim=True)


def softmax_of_one_largest(logits):
    exp = (logits - logits.max()).exp()
    return exp / exp.sum(-1, keepdim=True)


def softmax_by_smallest(logits):
    exp = (logits - logits.amin(-1, keepdim=True)).exp()
    return exp / exp.sum(-1, keepdim=True)


def softmax_by_mean(logits):
    exp = (logits - logits.mean(-1, keepdim=True)).exp()
    return exp / exp.sum(-1, keepdim=True)


def softmax_undivided(logits):
    return (logits - logits.amax(-1, keepdim=True)).exp()


def losses_of(logits, targets):
    return logits.logsumexp(1) - logits[torch.arange(len(logits)), targets]


def losses_turned_round(logits, targets):
    return -losses_of(logits, targets)


def losses_of_softmax(logits, targets):
    return -logits.softmax(1)[torch.arange(len(logits)), targets].log()


def losses_by_a_naive_sum(logits, targets):
    return logits.exp().sum(1).log() - logits[torch.arange(len(logits)), targets]


def losses_of_the_answer(logits, targets):
    return logits.logsumexp(1) - logits.amax(1)


def losses_of_rows(logits, targets):
    return logits.logsumexp(1) - logits[targets]


def losses_of_all_targets(logits, targets):
    return logits.logsumexp(1) - logits[:, targets]


def losses_by_columns(logits, targets):
    return logits.logsumexp(0) - logits[torch.arange(len(logits)), targets]


def losses_mean(logits, targets):
    return losses_of(logits, targets).mean()


def recall(matrix):
    return matrix.diagonal() / matrix.sum(1)


def recall_by_columns(matrix):
    return matrix.diagonal() / matrix.sum(0)


def recall_of_all(matrix):
    return matrix.diagonal().sum() / matrix.sum()


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_10_1': ([softmax_safe],
                   [softmax_naive, softmax_by_smallest, softmax_by_mean, softmax_of_one_largest, softmax_undivided]),
    'check_10_2': ([losses_of],
                   [losses_turned_round, losses_of_softmax, losses_by_a_naive_sum, losses_of_the_answer,
                    losses_of_rows, losses_of_all_targets, losses_by_columns, losses_mean]),
    'check_10_3': ([recall], [recall_by_columns, recall_of_all]),
}
