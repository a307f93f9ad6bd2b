"Lesson 07: a model answer to each exercise, and answers that are typical and wrong."
from fastai.callback.core import Callback


class CountBatches(Callback):
    def before_fit(self):
        self.count = 0

    def after_batch(self):
        if self.training:
            self.count += 1


class CountValidationToo(Callback):
    def before_fit(self):
        self.count = 0

    def after_batch(self):
        self.count += 1


class CountFromFitToFit(Callback):
    count = 0

    def after_batch(self):
        if self.training:
            self.count += 1


class CountEachEpoch(Callback):
    def before_epoch(self):
        self.count = 0

    def after_batch(self):
        if self.training:
            self.count += 1


def in_one_place(model, xb):
    return all(p.device == xb.device for p in model.parameters())


def first_parameter_only(model, xb):
    return next(model.parameters()).device == xb.device


def without_the_batch(model, xb):
    return len({p.device for p in model.parameters()}) == 1


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_07_1': ([CountBatches], [CountValidationToo, CountFromFitToFit, CountEachEpoch]),
    'check_07_2': ([in_one_place], [first_parameter_only, without_the_batch]),
}
