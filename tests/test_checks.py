"Comments that are checked: what each says, where the checks step aside, and that every cure in a message helps."
import re

import notebooks as tools
import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from test_package import MODULES

from digits_uth import checks
from digits_uth.checks import checked, require
from digits_uth.cnn import digit_cnn, predict
from digits_uth.distances import ideal_digit, mae
from digits_uth.loss import batch_accuracy, linear1, mnist_loss
from digits_uth.optimizers import Adam, BasicOptim
from digits_uth.pixels import show_image
from digits_uth.sgd import gradient_descent, numerical_gradient, plot_function, quadratic
from digits_uth.ten_digits import accuracy, cross_entropy
from torch.testing import assert_close

im = torch.rand(28, 28, generator=torch.Generator().manual_seed(0))
ims, raw = torch.stack([im, im / 2, im / 3]), (im * 255).byte()
preds, targets = torch.tensor([[2.], [-1.], [.5], [0.]]), torch.tensor([[1], [0], [1], [0]])


@checked
def scaled(
    xs,             # (..., n, 2) float points
    by=1.,          # a number from 0 to below 10: the factor
    times=1,        # a whole number from 1: how often
    least=0.,       # a number
    most=1.,        # a number above least
    how='mul',      # 'mul' or 'div'
    *rest,          # (n,) int, never looked at
    offset=None,    # (2,) float of xs's dtype
):                  # (..., n, 2) the points, scaled
    "Points, scaled."
    for _ in range(times): xs = xs * by if how == 'mul' else xs / by
    return xs if offset is None else xs + offset


points = torch.ones(3, 2)


@pytest.mark.parametrize('call, words', [
    (lambda: scaled(torch.ones(2, 3)), 'xs: expected a float tensor of shape (..., n, 2), got shape (2, 3)'),
    (lambda: scaled(points.long()), 'xs: expected a float tensor of shape (..., n, 2), got torch.int64; use xs.float()'),
    (lambda: scaled(torch.ones(0, 2)), 'xs: expected a float tensor of shape (..., n, 2), got an empty one'),
    (lambda: scaled(points, -1), 'by: expected a number from 0 to below 10, got -1'),
    (lambda: scaled(points, 10), 'by: expected a number from 0 to below 10, got 10'),
    (lambda: scaled(points, float('nan')), 'by: expected a number from 0 to below 10, got nan'),
    (lambda: scaled(points, 'two'), "by: expected a number from 0 to below 10, got 'two'"),
    (lambda: scaled(points, times=0), 'times: expected a whole number from 1, got 0'),
    (lambda: scaled(points, times=1.), 'times: expected a whole number from 1, got 1.0'),
    (lambda: scaled(points, 2, least=3, most=3), 'least and most: expected least < most, got 3 and 3; choose a least below most'),
    (lambda: scaled(points, how='add'), "how: expected 'mul' or 'div', got 'add'"),
    (lambda: scaled(points, offset=torch.ones(3)), 'offset: expected a float tensor of shape (2,), got shape (3,)'),
    (lambda: scaled(points, offset=torch.ones(2).double()), "offset: expected torch.float32, as xs's, got torch.float64; use xs.to(offset.dtype)"),
])
def test_what_a_comment_rules_out(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value).startswith(words), caught.value


def test_what_a_comment_lets_through():
    assert_close(scaled(points.numpy(), 3), 3 * points)
    assert_close(scaled(torch.ones(4, 3, 2), np.float64(.5), np.int64(2), 0, 1, 'div'), torch.full((4, 3, 2), 4.))
    assert_close(scaled(xs=points, offset=torch.ones(2)), points + 1)
    assert_close(scaled(points, 2, 1, 0, 1, 'mul', 'anything'), 2 * points)
    with pytest.raises(TypeError, match='unexpected keyword'):
        scaled(points, factor=2)


def test_letters_are_bound_across_arguments_in_any_order():
    weights, bias = torch.ones(2, 5), torch.zeros(5)
    assert linear1(bias=bias, weights=weights, xb=points).shape == (3, 5)
    with pytest.raises(ValueError, match=r'weights: expected a float tensor of shape \(2, m\), got shape \(3, 5\)'):
        linear1(bias=bias, weights=torch.ones(3, 5), xb=points)


def test_the_function_is_still_there():
    assert mae.__wrapped__(1., torch.ones(2, 2)).shape == () and mae.__doc__.startswith('Mean absolute error') and mae.__name__ == 'mae'


def test_every_module_has_its_lesson():
    lessons = {module: name[:2] for module, name in MODULES.items() if re.match(r'\d\d_', name) and module != 'checks'}
    assert checks._LESSONS == lessons


def test_without_its_source_a_function_goes_unchecked():
    names = {}
    exec('def double(\n    x,  # (n,) float\n):\n    return x * 2', names)
    assert checked(names['double'])(3) == 6


@pytest.mark.slow
def test_in_a_cell_of_a_notebook(tmp_path):
    "There the source is the cell's, and the lesson is the one that is open."
    cell = ('from digits_uth.checks import checked\nimport torch\n@checked\ndef double(\n    x,  # (n,) float\n):\n    return x * 2\n'
            'try: double(torch.ones(2, 2))\nexcept ValueError as e: print(e)\ndouble(torch.ones(2))')
    nb = tools.execute(new_notebook(cells=[new_code_cell(cell)]), tmp_path)
    said, result = nb.cells[0].outputs
    assert said.text == 'x: expected a float tensor of shape (n,), got shape (2, 2); stack, index or reshape it.\n'
    assert result.data['text/plain'] == 'tensor([2., 2.])'


@pytest.mark.slow
def test_in_a_wheel(site, tmp_path):
    import subprocess
    import sys
    code = ('import torch; from digits_uth.distances import ideal_digit\n'
            'try: ideal_digit(torch.ones(2, 2))\nexcept ValueError as e: print(e)')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=tmp_path, env={'PYTHONPATH': str(site), 'PATH': ''})
    assert done.stdout.strip() == 'ims: expected a float tensor of shape (n, h, w), got shape (2, 2); stack, index or reshape it (lesson 02).', done


# ---- while PyTorch looks on

def test_compiled():
    for f, args in ((mnist_loss, (preds, targets)), (batch_accuracy, (preds, targets)), (linear1, (preds, torch.ones(1, 2), torch.zeros(2))),
                    (mae, (ims, im)), (cross_entropy, (ims[:, 0], torch.tensor([0, 1, 2])))):
        compiled = torch.compile(f, backend='eager', fullgraph=True)
        assert_close(compiled(*args), f(*args))


class Loss(torch.nn.Module):
    def forward(self, preds, targets): return mnist_loss(preds, targets)


@pytest.mark.filterwarnings('ignore:.*torch.jit')  # deprecated in newer versions, and still used
def test_exported_and_traced():
    for program in (torch.export.export(Loss(), (preds, targets)).module(), torch.jit.trace(Loss(), (preds, targets), check_trace=False)):
        assert_close(program(preds + 1, targets), mnist_loss(preds + 1, targets))


# ---- values

def test_labels_of_digits_are_no_labels_of_threes():
    "Accuracy would be 1.0, and nothing learned."
    with pytest.raises(ValueError, match=r'targets: expected labels 0 and 1, got values from 3 to 7; use \(targets == 3\).long\(\)'):
        mnist_loss(preds, targets * -4 + 7)
    with pytest.raises(ValueError, match='got values from 0 to 0.5'):
        batch_accuracy(preds, targets / 2)
    with pytest.raises(ValueError, match='got values from nan to nan'):
        batch_accuracy(preds, torch.tensor([[0.], [1.], [float('nan')], [1.]]))


def test_a_class_out_of_range_is_named():
    for f in (cross_entropy, accuracy):
        for wrong in (3, -1):
            with pytest.raises(ValueError, match=r'targets: expected an int tensor of shape \(3,\) with values from 0 to 2, got values from'):
                f(torch.rand(3, 3), torch.tensor([0, wrong, 1]))


def test_labels_are_not_looked_at_where_a_look_would_stop_a_device(monkeypatch):
    "On the meta device there is nothing to look at, as on a GPU nothing should be."
    t = torch.full((4, 1), 7, device='meta')
    assert mnist_loss(preds.to('meta'), t).is_meta
    assert cross_entropy(torch.rand(4, 3, device='meta'), t[:, 0]).is_meta


# ---- cures

def cure_of(call, **names):
    "Follow a message: what `use …` says, computed."
    with pytest.raises(ValueError) as caught:
        call()
    said = re.search(r'; (?:[^;]*: )?(?:put it in a list, as in|use) (.*?)(?:, once,| for | if | of |, or | \(lesson|\.$)', str(caught.value))
    assert said, caught.value
    return eval(said[1], {'torch': torch, 'numpy': np, **names})  # the message is the code under test


one_hot = torch.nn.functional.one_hot(torch.tensor([0, 5, 2]), 28)
colour = (torch.stack([im, im / 2, im / 4], -1) * 255).byte()
w = torch.ones(2).requires_grad_()
CURES = {
    'bytes': (lambda ims: ideal_digit(ims), raw[None], 'ims', lambda mean: assert_close(mean, raw / 255)),
    'bytes as floats': (lambda ims: ideal_digit(ims), raw[None].float(), 'ims', lambda mean: assert_close(mean, raw / 255)),
    'a Pillow image': (lambda im: show_image(im, vmin=0), Image.fromarray(raw.numpy()), 'im', None),
    'yes and no to show': (lambda im: show_image(im), im > .5, 'im', lambda ax: assert_close(
        torch.tensor(np.array(ax.images[0].get_array())), (im > .5).float())),
    'yes and no as labels': (lambda targets: mnist_loss(preds, targets), targets == 1, 'targets',
                             lambda loss: assert_close(loss, mnist_loss(preds, targets))),
    'threes and sevens': (lambda targets: mnist_loss(preds, targets), 7 - 4 * targets, 'targets',
                          lambda loss: assert_close(loss, mnist_loss(preds, targets))),
    'a row of labels': (lambda targets: mnist_loss(preds, targets), targets[:, 0], 'targets',
                        lambda loss: assert_close(loss, mnist_loss(preds, targets))),
    'a column of classes': (lambda targets: accuracy(ims[:, 0], targets), torch.tensor([[0], [5], [2]]), 'targets', None),
    'one-hot classes': (lambda targets: cross_entropy(ims[:, 0], targets), one_hot, 'targets',
                        lambda loss: assert_close(loss, cross_entropy(ims[:, 0], one_hot.argmax(1)))),
    'classes as floats': (lambda targets: accuracy(ims[:, 0], targets), torch.tensor([0., 5., 2.]), 'targets', None),
    'a colour picture': (lambda im: show_image(im), colour, 'im', lambda ax: assert_close(
        torch.tensor(np.array(ax.images[0].get_array())), colour.float().mean(-1) / 255)),
    'whole numbers to differentiate': (lambda x: numerical_gradient(torch.sum, x.double()) if x.is_floating_point()
                                       else numerical_gradient(torch.sum, x), torch.ones(2).long(), 'x', None),
    'single precision': (lambda x: numerical_gradient(torch.sum, x), torch.ones(2), 'x', lambda grad: assert_close(grad, torch.ones(2).double())),
    'whole parameters': (lambda params: quadratic(2., params), torch.tensor([1, 2, 3]), 'params', lambda y: assert_close(y, torch.tensor(11.))),
    'another precision': (lambda xb: linear1(xb, torch.ones(1, 2).double(), torch.zeros(2).double()), preds, 'xb', None),
    'one parameter': (lambda params: BasicOptim(params, lr=.1), w, 'params', None),
    'one picture to the network': (lambda xb: digit_cnn()(xb), im, 'xb', lambda scores: assert_close(scores.shape, torch.Size([1, 10]))),
    'colours to the network': (lambda xb: digit_cnn()(xb), ims[None].clone(), 'xb', None),
    'bytes to the network': (lambda xb: digit_cnn()(xb), raw[None, None], 'xb', None),
    'whole numbers to predict': (lambda images: predict(digit_cnn(), images), (im[None] > .9).long() * 255, 'images', None),
}


@pytest.mark.filterwarnings('ignore:predict')  # these pictures are noise
@pytest.mark.parametrize('name', CURES)
def test_following_a_message_helps(name):
    call, given, argument, right = CURES[name]
    names = {argument: given}
    if name == 'another precision':
        names['weights'] = torch.ones(1, 2).double()
    if name == 'a Pillow image':
        given = [given]  # a list of them is refused, the single one is taken
        with pytest.raises(ValueError, match=r'got a list of 1; use numpy.stack\(\[numpy.array\(im\) for im in im\]\)'):
            call(given)
        assert call(given[0]).images[0].get_array().max() == raw.max()
        return
    result = call(cure_of(lambda: call(given), **names))
    if right:
        right(result)


def test_cures_that_need_no_code():
    with pytest.raises(ValueError, match=r'lo and hi: expected lo < hi, got 2 and -2; choose a lo below hi'):
        plot_function(torch.sin, 2, -2)
    with pytest.raises(ValueError, match='undo what moved them: where they were standardised, times the standard deviation, plus the mean'):
        ideal_digit((ims - .1307) / .3081)
    ideal_digit(((ims - .1307) / .3081 * .3081 + .1307).clamp(0, 1))
    with pytest.raises(ValueError, match='x: expected .* got a list of 3; use numpy.stack'):
        require([np.ones(2)] * 3, 'x', ('n', 2))
    with pytest.raises(ValueError, match=r'betas: expected two numbers from 0 to below 1, got \(1.0, 0.9\) \(lesson 06\)'):
        Adam([w], .1, betas=(1., .9))
    with pytest.raises(ValueError, match=r'steps: expected a whole number from 0, got -1 \(lesson 03\)'):
        gradient_descent(quadratic, torch.ones(3), torch.ones(3), torch.ones(3), lr=.1, steps=-1)
