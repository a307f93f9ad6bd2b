"Lesson 06: a model answer to each exercise, and answers that are typical and wrong."


class RunningMean:
    def __init__(self):
        self.total, self.count = 0., 0

    def add(self, x):
        self.total += x
        self.count += 1

    def mean(self):
        return self.total / self.count


class MeanShared:
    numbers = []

    def add(self, x):
        self.numbers.append(x)

    def mean(self):
        return sum(self.numbers) / len(self.numbers)


class MeanSum:
    def __init__(self):
        self.total = 0.

    def add(self, x):
        self.total += x

    def mean(self):
        return self.total


class MeanLast:
    def add(self, x):
        self.x = x

    def mean(self):
        return self.x


def momentum_step(p, grad, v, lr, momentum):
    v = momentum * v + grad
    return p - lr * v, v


def momentum_old_velocity(p, grad, v, lr, momentum):
    return p - lr * v, momentum * v + grad


def momentum_averaged(p, grad, v, lr, momentum):
    v = momentum * v + (1 - momentum) * grad
    return p - lr * v, v


def momentum_in_place(p, grad, v, lr, momentum):
    v *= momentum
    v += grad
    p -= lr * v
    return p, v


def adam_first_step(grad, lr):
    return lr * grad.sign()


def adam_uncorrected(grad, lr):
    return lr * .1 * grad / (.001 * grad**2)**.5


def adam_as_sgd(grad, lr):
    return lr * grad


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_06_1': ([RunningMean], [MeanShared, MeanSum, MeanLast]),
    'check_06_2': ([momentum_step], [momentum_old_velocity, momentum_averaged, momentum_in_place]),
    'check_06_3': ([adam_first_step], [adam_uncorrected, adam_as_sgd]),
}
