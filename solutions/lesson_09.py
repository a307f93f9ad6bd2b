"Lesson 09: a model answer to each exercise, and answers that are typical and wrong."
import torch


def sigmoid(v):
    return 1 / (1 + (-v).exp())


def sigmoid_without_minus(v):
    return 1 / (1 + v.exp())


def sigmoid_without_brackets(v):
    return 1 / 1 + (-v).exp()


def sigmoid_of_data(v):
    return type(v)(1 / (1 + 2.718281828459045**-v.data))


class Leaky:
    def forward(self, x):
        self.x = x
        return torch.where(x > 0, x, .1 * x)

    def backward(self, g):
        return torch.where(self.x > 0, g, .1 * g)


class LeakyAsRelu(Leaky):
    def backward(self, g):
        return g * (self.x > 0)


class LeakyByG(Leaky):
    def backward(self, g):
        return torch.where(g > 0, g, .1 * g)


class LeakySlopeAlone(Leaky):
    def backward(self, g):
        return torch.where(self.x > 0, 1., .1)


def mse_backward(preds, targets):
    return 2 * (preds - targets) / len(preds)


def mse_without_mean(preds, targets):
    return 2 * (preds - targets)


def mse_without_two(preds, targets):
    return (preds - targets) / len(preds)


def mse_turned_round(preds, targets):
    return 2 * (targets - preds) / len(preds)


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_09_1': ([sigmoid], [sigmoid_without_minus, sigmoid_without_brackets, sigmoid_of_data]),
    'check_09_2': ([Leaky], [LeakyAsRelu, LeakyByG, LeakySlopeAlone]),
    'check_09_3': ([mse_backward], [mse_without_mean, mse_without_two, mse_turned_round]),
}
