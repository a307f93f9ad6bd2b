"Lesson 09: a model answer to each exercise, and answers that are typical and wrong."
import torch

from digits_uth.layer import Layer


def product_back(a, b, g):
    return g * b, g * a


def product_own_slopes(a, b, g):
    return b, a


def product_swapped(a, b, g):
    return g * a, g * b


def product_added(a, b, g):
    return g * b + g * a


def lin_back(x, weight, g):
    return g @ weight.T, x.T @ g, g.sum(0)


def lin_one_bias(x, weight, g):
    return g @ weight.T, x.T @ g, g[0]


def lin_bias_of_each_picture(x, weight, g):
    return g @ weight.T, x.T @ g, g


def lin_mean_bias(x, weight, g):
    return g @ weight.T, x.T @ g, g.mean(0)


def lin_transposed(x, weight, g):
    return g @ weight.T, g.T @ x, g.sum(0)


def lin_another_order(x, weight, g):
    return x.T @ g, g.sum(0), g @ weight.T


class Leaky(Layer):
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


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_09_1': ([product_back], [product_own_slopes, product_swapped, product_added]),
    'check_09_2': ([lin_back], [lin_one_bias, lin_bias_of_each_picture, lin_mean_bias, lin_transposed, lin_another_order]),
    'check_09_3': ([Leaky], [LeakyAsRelu, LeakyByG, LeakySlopeAlone]),
}
