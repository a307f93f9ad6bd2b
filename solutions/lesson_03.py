"Lesson 03: a model answer to each exercise, and answers that are typical and wrong."
import torch


def slope(f, x, run):
    return (f(x + run) - f(x - run)) / (2*run)


def slope_right_only(f, x, run):
    return (f(x + run) - f(x)) / run


def slope_half_the_way(f, x, run):
    return (f(x + run) - f(x - run)) / run


def slope_downward(f, x, run):
    return (f(x - run) - f(x + run)) / (2*run)


def best_constant(y, lr, steps):
    c = torch.tensor(0.).requires_grad_()
    for _ in range(steps):
        ((c - y)**2).mean().backward()
        with torch.no_grad():
            c -= lr * c.grad
        c.grad.zero_()
    return c


def constant_adding_up(y, lr, steps):
    c = torch.tensor(0.).requires_grad_()
    for _ in range(steps):
        ((c - y)**2).mean().backward()
        with torch.no_grad():
            c -= lr * c.grad
    return c


def constant_summed(y, lr, steps):
    c = torch.tensor(0.).requires_grad_()
    for _ in range(steps):
        ((c - y)**2).sum().backward()
        with torch.no_grad():
            c -= lr * c.grad
        c.grad.zero_()
    return c


def constant_uphill(y, lr, steps):
    c = torch.tensor(0.)
    for _ in range(steps):
        c = c + lr * 2 * (c - y).mean()
    return c


def constant_mean(y, lr, steps):
    return y.mean()


def standardise(x):
    return (x - x.mean(0)) / x.std(0)


def standardise_all_at_once(x):
    return (x - x.mean()) / x.std()


def standardise_variance(x):
    return (x - x.mean(0)) / x.var(0)


def standardise_without_parentheses(x):
    return x - x.mean(0) / x.std(0)


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_03_1': ([slope], [slope_right_only, slope_half_the_way, slope_downward]),
    'check_03_2': ([best_constant], [constant_adding_up, constant_summed, constant_uphill, constant_mean]),
    'check_03_3': ([standardise], [standardise_all_at_once, standardise_variance, standardise_without_parentheses]),
}
