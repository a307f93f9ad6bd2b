"Lesson 07's Learner: the loop of lesson 05, what else it can do, and the callback that moves pictures."
import inspect
import re
from functools import partial

import gpu_check
import pytest
import torch
import torch.nn.functional as F
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastprogress import fastprogress
from torch import nn
from torch.testing import assert_close

from digits_uth.cnn import digit_cnn
from digits_uth.data import load_mnist
from digits_uth.learner import Moved, Pens, digit_learner, history, legible_tables, quiet
from digits_uth.loaders import digit_dls
from digits_uth.loss import batch_accuracy, mnist_loss
from digits_uth.optimizers import Adam, BasicOptim, Momentum
from digits_uth.ten_digits import accuracy, cross_entropy
from digits_uth.training import train_model


def data(n=50, m=17):
    g = torch.Generator().manual_seed(0)
    x = torch.rand(n + m, 6, generator=g)
    y = (x[:, :1] > x[:, 1:2]).long()
    return x[:n], y[:n], x[n:], y[n:]


def numbers(n=30):
    "Pictures of one row with whole numbers for labels."
    x = torch.rand(n, 6, generator=torch.Generator().manual_seed(1))
    return x, (3 * x[:, 0]).long(), x[:9], (3 * x[:9, 0]).long()


def test_fit_is_the_loop_of_lesson_05():
    x, y, vx, vy = data(600, 40)
    torch.manual_seed(0)
    learn = digit_learner(digit_dls(x, y, vx, vy, bs=32, device='cpu'), nn.Linear(6, 1))
    torch.manual_seed(0)
    model = nn.Linear(6, 1)
    batches = []

    class Keep(Callback):
        def before_batch(self):
            if self.training:
                batches.append((self.xb[0], self.yb[0]))
    learn.add_cb(Keep())
    with quiet(learn):
        learn.fit(2, lr=.5)
    assert len(batches) == 2 * 19
    opt = BasicOptim(model.parameters(), lr=.5)
    epochs = [train_model(model, part, [(vx, vy)], mnist_loss, opt, 1) for part in (batches[:19], batches[19:])]
    assert_close(learn.model.weight, model.weight, atol=1e-6, rtol=1e-5)
    assert_close(learn.model.bias, model.bias, atol=1e-6, rtol=1e-5)
    found = history(learn)
    assert list(found) == list(epochs[0]) == ['train_loss', 'valid_loss', 'batch_accuracy']
    for name in ('valid_loss', 'batch_accuracy'):
        assert found[name] == pytest.approx([epoch[name][0] for epoch in epochs], abs=1e-6)
    _, valid_loss, right = learn.recorder.values[-1]
    assert abs(valid_loss - epochs[-1]['valid_loss'][0]) < 1e-6 and abs(right - epochs[-1]['batch_accuracy'][0]) < 1e-6


def test_a_history_has_a_number_for_each_epoch_and_of_the_last_fit_alone():
    learn = digit_learner(digit_dls(*data(), bs=8, device='cpu'), nn.Linear(6, 1))
    with quiet(learn):
        for epochs in (3, 2):
            learn.fit(epochs, lr=.5)
            found = history(learn)
            assert [(name, len(values)) for name, values in found.items()] == [
                ('train_loss', epochs), ('valid_loss', epochs), ('batch_accuracy', epochs)]
            assert all(isinstance(value, float) and 0 <= value <= 1 for values in found.values() for value in values)


def test_quiet_says_nothing_and_only_as_long_as_it_lasts(capfd):
    learn = digit_learner(digit_dls(*data(), bs=8, device='cpu'), nn.Linear(6, 1))
    log, bar = learn.logger, hasattr(learn, 'progress')
    with quiet(learn):
        learn.fit(1, lr=.1)
        learn.validate()
        learn.get_preds()
    assert capfd.readouterr() == ('', '')
    assert learn.logger is log and hasattr(learn, 'progress') == bar
    with pytest.raises(KeyError), quiet(learn):
        raise KeyError
    assert learn.logger is log and hasattr(learn, 'progress') == bar  # after an error, too


@pytest.mark.parametrize('make, loss, metric', [
    (data, lambda preds, y: F.l1_loss(preds.sigmoid(), y.float()), lambda preds, y: ((preds > 0) == (y == 1)).float().mean()),
    (numbers, F.cross_entropy, lambda preds, y: (preds.argmax(1) == y).float().mean())], ids=['3 or 7', 'many classes'])
def test_loss_and_metric_are_those_of_the_labels(make, loss, metric):
    torch.manual_seed(0)
    model, (x, y, vx, vy) = nn.Linear(6, 1 if make is data else 3), make()
    learn = digit_learner(digit_dls(x, y, vx, vy, bs=8, device='cpu'), model)
    with quiet(learn), torch.no_grad():
        assert list(learn.validate()) == pytest.approx([float(loss(model(vx), vy)), float(metric(model(vx), vy))], abs=1e-6)
    with quiet(learn):
        learn.fit(1, lr=.1)
    assert list(history(learn)) == ['train_loss', 'valid_loss', 'batch_accuracy' if make is data else 'accuracy']


def test_another_loss_and_other_metrics_are_taken():
    def squared(preds, targets): return ((preds - targets)**2).mean()
    def mean(preds, targets): return preds.mean()
    x, y, vx, vy = data()
    model = nn.Linear(6, 1)
    learn = digit_learner(digit_dls(x, y, vx, vy, bs=8, device='cpu'), model, squared, metrics=[mean, batch_accuracy])
    with quiet(learn), torch.no_grad():
        preds = model(vx)
        expected = [float(F.mse_loss(preds, vy.float())), float(preds.mean()), float(((preds > 0) == (vy == 1)).float().mean())]
        assert list(learn.validate()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.filterwarnings('ignore:(?s).*numpy.core is deprecated')  # PyTorch's, on each load
def test_what_a_learner_can_do_works_with_the_loaders(tmp_path):
    learn = digit_learner(digit_dls(*data(), bs=8, device='cpu'), nn.Linear(6, 1), path=tmp_path)
    kept = learn.model.weight.detach().clone()
    with learn.no_bar(), learn.no_logging():
        learn.lr_find(show_plot=False)
        assert_close(learn.model.weight.detach(), kept)
        learn.fit_one_cycle(2, 1.)
        preds, targets = learn.get_preds()
    assert preds.shape == targets.shape == (17, 1)
    assert_close(targets, data()[3])
    assert abs(learn.validate()[1] - batch_accuracy(preds, targets)) < 1e-6


def test_the_tables_of_training_are_legible_on_a_dark_page(monkeypatch):
    if not hasattr(fastprogress, 'html_styles'):
        legible_tables()  # does nothing, and no harm
        pytest.skip('older versions of fastprogress have no style sheet')
    monkeypatch.setattr(fastprogress, 'html_styles', fastprogress.html_styles)  # so that it is put back
    for _ in range(2):  # calling it again changes nothing
        legible_tables()
        pale = [rule for rule in fastprogress.html_styles.split('}') if '#f8f9fa' in rule]
        assert pale and all(rule.count('; color: black') == 1 for rule in pale)


@pytest.mark.parametrize('ours, theirs', [
    (BasicOptim, torch.optim.SGD), (partial(Momentum, momentum=.5), partial(torch.optim.SGD, momentum=.5)),
    (Adam, torch.optim.Adam)], ids=['SGD', 'momentum', 'Adam'])
def test_optimizers_of_lesson_06_and_of_pytorch_train_a_learner(ours, theirs):
    "In one batch an epoch, whose order doesn't matter, against a loop by hand."
    x, y, vx, vy = data()
    found = []
    for opt_func in (ours, theirs):
        torch.manual_seed(0)
        learn = digit_learner(digit_dls(x, y, vx, vy, device='cpu'), nn.Linear(6, 1), opt_func=opt_func)
        with quiet(learn):
            learn.fit(5, lr=.1)
        found.append(learn.model.weight.detach())
    torch.manual_seed(0)
    model = nn.Linear(6, 1)
    opt = theirs(model.parameters(), lr=.1)
    for _ in range(5):
        opt.zero_grad()
        F.l1_loss(model(x).sigmoid(), y.float()).backward()
        opt.step()
    for weight in found:
        assert_close(weight, model.weight.detach(), atol=1e-6, rtol=1e-5)


# ---- Moved

class Keep(Callback):
    "What the model gets, after all that changes it."
    order = 100

    def __init__(self): self.seen = []

    def before_batch(self): self.seen.append((self.training, self.xb[0].clone()))


def moved(ims, *, bs=1, batches=1, form=(-1, 1, 28, 28), seed=0, **amounts):
    "Training batches and validation batches of copies of the pictures `ims`, as a model gets them with Moved."
    x, keep = ims.reshape(form).repeat(batches * bs // len(ims), *[1] * (len(form) - 1)), Keep()
    torch.manual_seed(seed)
    y = torch.zeros(len(x)).long()
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    learn = digit_learner(digit_dls(x, y, x[:1], y[:1], bs=bs, device='cpu'), model, cbs=[Moved(**amounts), keep])
    with quiet(learn):
        learn.fit(1, lr=.01)
    return [[xb for training, xb in keep.seen if training is mode] for mode in (True, False)]


def picture(rows, cols):
    im = torch.zeros(1, 28, 28)
    im[:, rows, cols] = 1
    return im


def centre(im):
    "Row and column of a picture's centre of mass."
    im, along = im.reshape(28, 28), torch.arange(28.)
    return torch.stack([im.sum(1) @ along, im.sum(0) @ along]) / im.sum()


def test_moved_moves_in_training_only_by_torchs_random_numbers():
    images, labels = (part[:32] for part in load_mnist('test'))
    x = images.flatten(1) / 255

    def train():
        torch.manual_seed(0)
        dls, keep = digit_dls(x, labels, x, labels, bs=16, device='cpu'), Keep()
        learn = digit_learner(dls, digit_cnn(), loss_func=cross_entropy, metrics=accuracy, cbs=[Moved(), keep])
        with quiet(learn):
            learn.fit(1, lr=.01)
        return keep.seen
    first, again = train(), train()
    assert [training for training, _ in first] == [True, True, False, False]
    assert all(a.equal(b) for (_, a), (_, b) in zip(first, again, strict=True))
    assert torch.cat([batch for training, batch in first if not training]).flatten(1).equal(x)
    for _, batch in first[:2]:
        assert batch.flatten(1).shape == (16, 784) and 0 <= batch.min() and batch.max() <= 1
        assert not any(torch.allclose(im, row) for im in batch.flatten(1) for row in x)
        assert abs(batch.sum() / 16 - x.sum() / 32) < .3 * x.sum() / 32  # a picture keeps its ink, more or less


@pytest.mark.parametrize('form', [(-1, 784), (-1, 28, 28), (-1, 1, 28, 28)])
def test_moved_gives_back_the_shape_that_it_gets(form):
    train, valid = moved(picture(slice(8, 20), slice(8, 20)), bs=4, batches=3, form=form)
    assert [xb.shape for xb in train] == [(4, *form[1:])] * 3 and [xb.shape for xb in valid] == [(1, *form[1:])]
    assert valid[0].flatten().equal(picture(slice(8, 20), slice(8, 20)).flatten())
    square, = moved(picture(slice(8, 20), slice(8, 20)), bs=4, batches=3)[:1]  # the same whatever the shape
    assert all(a.reshape(4, 784).equal(b.reshape(4, 784)) for a, b in zip(train, square, strict=True))


def test_moved_blends_neighbours():
    "Of black and white alone, the nearest pixel makes no grey; between four pixels there are greys of every kind."
    train, _ = moved(picture(slice(8, 20), slice(8, 20)), batches=20)
    for xb in train:
        inside = xb[(xb > .02) & (xb < .98)]
        assert len(inside) > 10 and len(inside.unique()) > 5


def test_moved_shifts_by_up_to_three_pixels_to_every_side():
    dot = picture(slice(13, 15), slice(13, 15))
    shifts = torch.stack([centre(xb) - 13.5 for xb in moved(dot, batches=250, degrees=0, scale=0)[0]])
    assert shifts.abs().max() <= 3.01 and (shifts.amax(0) > 2.4).all() and (shifts.amin(0) < -2.4).all()
    assert (shifts.mean(0).abs() < .5).all()  # four standard errors of numbers from -3 to 3
    assert abs(torch.corrcoef(shifts.T)[0, 1]) < .25
    far = torch.stack([centre(xb) - 13.5 for xb in moved(dot, batches=60, degrees=0, pixels=8, scale=0)[0]])
    assert 6 < far.abs().max() <= 8.01
    assert all(xb.equal(dot[None]) for xb in moved(dot, batches=3, degrees=0, pixels=0, scale=0)[0])


@pytest.mark.parametrize('amounts, most', [({}, 10), ({'degrees': 40}, 40)], ids=['by default', '40 degrees'])
def test_moved_turns_by_up_to_ten_degrees_both_ways(amounts, most):
    bar, angles = picture(slice(13, 15), slice(4, 24)), []
    for xb in moved(bar, batches=120, pixels=0, scale=0, **amounts)[0]:
        im = xb.reshape(28, 28)
        rows, cols = (torch.arange(28.) - c for c in centre(im))
        angles.append(torch.atan2((im * rows[:, None] * cols).sum(), (im * cols**2).sum()).rad2deg())
    angles = torch.stack(angles)
    assert .8 * most < angles.max() <= 1.1 * most and -1.1 * most <= angles.min() < -.8 * most and abs(angles.mean()) < .25 * most


@pytest.mark.parametrize('amounts, most', [({}, .1), ({'scale': .4}, .4)], ids=['by default', 'by .4'])
def test_moved_resizes_by_up_to_a_tenth_both_ways(amounts, most):
    square = picture(slice(8, 20), slice(8, 20))
    sides = torch.stack([(xb.sum() / 144)**.5 for xb in moved(square, batches=120, degrees=0, pixels=0, **amounts)[0]])
    assert 1 + .8 * most < sides.max() < 1 + 1.15 * most and 1 - 1.15 * most < sides.min() < 1 - .8 * most
    assert abs(sides.mean() - 1) < .25 * most


@pytest.mark.parametrize('slant', [0, 15])
def test_moved_slants_where_it_is_told_to(slant):
    bar = picture(slice(4, 24), slice(12, 16))
    tilts = []
    for xb in moved(bar, batches=150, degrees=0, pixels=0, scale=0, slant=slant)[0]:
        im = xb.reshape(28, 28)
        rows, cols = (torch.arange(28.) - c for c in centre(im))
        tilts.append(((im * rows[:, None] * cols).sum() / (im * rows[:, None]**2).sum()).atan().rad2deg().abs())
    assert max(tilts) < .01 if not slant else .8 * slant < max(tilts) <= 1.1 * slant


def test_moveds_amounts():
    assert {name: p.default for name, p in inspect.signature(Moved).parameters.items()} == {'degrees': 10, 'pixels': 3, 'scale': .1, 'slant': 0}


def test_pens_thicken_three_in_ten_and_thin_three_in_ten_in_training_alone():
    image, keep = load_mnist('test')[0][:1] / 255, Keep()
    x, y = image.view(-1, 1, 28, 28).repeat(2000, 1, 1, 1), torch.zeros(2000).long()
    torch.manual_seed(0)
    learn = digit_learner(digit_dls(x, y, x[:50], y[:50], bs=500, device='cpu'), nn.Sequential(nn.Flatten(), nn.Linear(784, 2)), cbs=[Pens(), keep])
    with quiet(learn):
        learn.fit(1, lr=.01)
    seen = torch.cat([xb for training, xb in keep.seen if training])
    padded = F.pad(image, (1, 1, 1, 1))[0]
    windows = padded.unfold(0, 3, 1).unfold(1, 3, 1)  # around each pixel
    forms = [(image[0] + windows.amax((2, 3))) / 2, windows[:, :, 1:, 1:].amin((2, 3)), image[0]]
    counts = [(seen == form).flatten(1).all(1).sum().item() for form in forms]
    assert sum(counts) == 2000 and all(abs(n - 2000 * p) < 90 for n, p in zip(counts, (.3, .3, .4), strict=True))
    assert forms[1].sum() < forms[2].sum() < forms[0].sum()
    assert all((xb == image).all() for training, xb in keep.seen if not training)


# ---- on this machine's accelerator

@pytest.mark.slow
def test_the_gpu_check_runs(capsys):
    assert gpu_check.main() == 0
    said = capsys.readouterr().out
    assert re.search(r'350 batches with prediction, loss and parameters on \w', said)
    assert re.search(r'ten digits: 0\.99\d\d of the pictures set aside after [\d.]+ s, [\d,]+ pictures a second', said)
    assert ('the GPU is at work for' in said) == torch.cuda.is_available()


@pytest.mark.parametrize('spans, length', [([], 0), ([(0, 2), (5, 6)], 3), ([(5, 6), (0, 2)], 3), ([(0, 4), (1, 2), (3, 6)], 6), ([(0, 1), (1, 2)], 2)])
def test_kernels_that_run_at_once_count_once(spans, length):
    assert gpu_check.covered(spans) == length


# ---- what fastai's users expect of a Learner

def reports(column, loss_func=None):
    "A Learner over pictures, trained a little, and what it was given."
    images, labels = load_mnist('test')
    x, y = images[:400].flatten(1) / 255, labels[:400]
    targets = (y == 3).long()[:, None] if column else y
    torch.manual_seed(0)
    learn = digit_learner(digit_dls(x, targets, x[:150], targets[:150], bs=64, device='cpu'), nn.Linear(784, 1 if column else 10),
                          loss_func=loss_func)
    with quiet(learn):
        learn.fit(3, lr=.1)
    scores = learn.model(x[:150]).detach()
    answers = (scores > 0).long() if column else scores.argmax(1)
    each = (F.l1_loss(scores.sigmoid(), targets[:150].float(), reduction='none').flatten() if column
            else F.cross_entropy(scores, targets[:150], reduction='none'))
    return learn, x, targets[:150], scores, answers, each


KINDS = pytest.mark.parametrize('column, loss_func', [(True, None), (False, None), (False, cross_entropy)],
                                ids=['3 or 7', 'ten, fastai', 'ten, ours'])


@KINDS
def test_reports_of_losses_and_confusion(column, loss_func):
    from fastai.interpret import ClassificationInterpretation
    learn, x, targets, scores, answers, each = reports(column, loss_func)
    with quiet(learn):
        preds, found, losses = learn.get_preds(with_loss=True)
        interp = ClassificationInterpretation.from_learner(learn)
        matrix = interp.confusion_matrix()
    assert_close(preds, scores if column or loss_func else scores.softmax(1), atol=1e-5, rtol=1e-5)
    assert_close(torch.as_tensor(losses), each, atol=1e-5, rtol=1e-4)
    assert found.equal(targets) and learn.loss_func(scores, targets).ndim == 0  # the mean again
    k = 2 if column else 10
    counted = torch.bincount(targets.flatten() * k + answers.flatten(), minlength=k * k).view(k, k)
    assert matrix.tolist() == counted.tolist() and list(interp.vocab) == (['7', '3'] if column else list('0123456789'))
    top, rows = interp.top_losses(5)
    assert_close(torch.as_tensor(top), each.sort(descending=True).values[:5], atol=1e-5, rtol=1e-4)
    interp.plot_confusion_matrix()
    with pytest.raises(ValueError, match=r'use losses, rows = interp.top_losses\(9\) and show_images') as caught:
        interp.plot_top_losses(5)
    cure = re.search(r'and (show_images\(.*?\)) \(lesson', str(caught.value))[1]
    from digits_uth.pixels import show_images
    assert len(eval(cure, {'show_images': show_images, 'dls': learn.dls, 'rows': rows})) == 5


@KINDS
def test_a_learner_shows_and_predicts(column, loss_func):
    learn, x, targets, scores, answers, _ = reports(column, loss_func)
    with quiet(learn):
        name, index, given = learn.predict(x[3])
        learn.show_results(max_n=4)
    assert index == answers[3] and name == (('7', '3') if column else '0123456789')[int(answers[3])]
    assert_close(torch.as_tensor(given), scores[3] if column or loss_func else scores[3].softmax(0), atol=1e-5, rtol=1e-5)
    axs = learn.dls.valid.show_batch(max_n=3)
    assert [ax.get_title() for ax in axs] == [(('7', '3') if column else '0123456789')[int(t)] for t in targets[:3]]
    with pytest.raises(ValueError, match=r'items: expected a float tensor of shape \(n, 784\), got shape \(1, 10\)'), quiet(learn):
        learn.get_preds(dl=learn.dls.test_dl([x[3][:10]]))


def test_what_is_no_picture_is_not_drawn():
    with pytest.raises(ValueError, match=r'batch: expected pictures of 784 pixels to show, got shape \(8, 6\); draw dls.one_batch\(\) yourself'):
        digit_dls(*data(), bs=8, device='cpu').show_batch()


def test_pytorchs_loaders():
    from torch.utils.data import DataLoader, TensorDataset
    x, y, vx, vy = data()
    train, valid = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True), DataLoader(TensorDataset(vx, vy), batch_size=8)
    torch.manual_seed(0)
    order = [xb for xb, _ in train]
    torch.manual_seed(0)
    model = nn.Linear(6, 1, device='meta').to_empty(device='cpu')  # no random numbers
    nn.init.zeros_(model.weight), nn.init.zeros_(model.bias)
    learn = digit_learner(DataLoaders(train, valid), model)
    learn_order = [xb for xb, _ in train]
    assert all(a.equal(b) for a, b in zip(order, learn_order, strict=True))
    with quiet(learn):
        learn.fit(1, lr=.5)
    assert_close(history(learn)['batch_accuracy'][0], float(batch_accuracy(learn.model.cpu()(vx), vy)))  # a GPU's, where there is one
    wrong = DataLoader(TensorDataset(vx, 7 - 4 * vy), batch_size=8)
    with pytest.raises(ValueError, match='dls: expected targets 0 and 1 in a column, got values from 3 to 7'):
        digit_learner(DataLoaders(wrong, wrong), nn.Linear(6, 1))


def test_looking_at_a_batch_uses_up_no_random_numbers():
    from torch.utils.data import DataLoader, TensorDataset
    x, y, vx, vy = data()
    dls = DataLoaders(DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True), DataLoader(TensorDataset(vx, vy), batch_size=8))
    before = torch.get_rng_state()
    digit_learner(dls, nn.Linear(6, 1, device='meta').to_empty(device='cpu'))
    assert torch.get_rng_state().equal(before)
