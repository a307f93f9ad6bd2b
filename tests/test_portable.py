"The network outside Python's own loop: exported, traced and as ONNX, with a free batch size, it gives the same answers; so it does with other defaults."
import io

import pytest
import torch
from torch.testing import assert_close

from digits_uth.cnn import digit_cnn, predict
from digits_uth.data import all_digits, load_mnist, threes_and_sevens
from digits_uth.files import load_model, save_model
from digits_uth.learner import digit_learner, history, quiet
from digits_uth.loaders import digit_dls
from digits_uth.loss import init_params, linear1, mnist_loss
from digits_uth.optimizers import BasicOptim
from digits_uth.training import train_model

IMAGES, LABELS = load_mnist('test')
XB = IMAGES[:9].flatten(1) / 255


@pytest.fixture(scope='module')
def best():
    return digit_cnn(pretrained=True)


@pytest.mark.parametrize('example', [XB[:2], XB[:2].view(-1, 1, 28, 28)], ids=['rows', 'pictures'])
@pytest.mark.filterwarnings('ignore:.*torch.jit')  # deprecated in newer versions, and still used
def test_a_program_with_a_free_batch_size(example, best):
    xb = XB.view(-1, *example.shape[1:])
    batch = torch.export.Dim('batch', min=1, max=4096)
    exported = torch.export.export(best, (example,), dynamic_shapes=({0: batch},)).module()
    traced = torch.jit.trace(best, (example,))
    for program in (exported, traced, torch.compile(best, backend='eager', fullgraph=True, dynamic=True)):
        for n in (1, 3, 9):
            assert_close(program(xb[:n]), best(xb[:n]), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')  # of the exporter
def test_onnx_with_a_free_batch_size(best):
    onnxruntime = pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')
    file = io.BytesIO()
    torch.onnx.export(best, (XB[:2],), dynamo=True, dynamic_shapes=({0: torch.export.Dim('batch', min=1, max=4096)},), verbose=False).save(file)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=['CPUExecutionProvider'])
    for n in (1, 3, 9):
        scores, = session.run(None, {session.get_inputs()[0].name: XB[:n].numpy()})
        assert_close(torch.tensor(scores), best(XB[:n]).detach(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('size', [(28, 28), (4, 7, 16, 7), (2, 3, 28, 28), (5, 8, 8), (5, 64), (784,), (2, 785), (2, 1, 1, 784)])
def test_that_784_numbers_fit_is_not_enough(size):
    with pytest.raises(ValueError, match=r'xb: expected a float tensor of shape \(n, 784\) or \(n, 1, 28, 28\), got shape \(.*\); .* \(lesson 11\)'):
        digit_cnn()(torch.rand(size))


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_another_default_dtype(double, tmp_path):
    x, y = IMAGES[:400].flatten(1) / 255, LABELS[:400]
    assert x.dtype == torch.float64 and threes_and_sevens()[0].dtype == torch.float64
    best = digit_cnn(pretrained=True)
    digits, probabilities = predict(best, IMAGES[:50])
    assert best[1].weight.dtype == torch.float64 and (digits == LABELS[:50]).all() and probabilities.sum(1).allclose(torch.ones(50, dtype=torch.float32))
    weights, bias = init_params((784, 1)), init_params(1)
    column = (y == 3).long()[:, None]

    def model(xb): return linear1(xb, weights, bias)
    found = train_model(model, [(x, column)], [(x, column)], mnist_loss, BasicOptim([weights, bias], lr=1.), 3)
    assert found['valid_loss'][-1] < found['valid_loss'][0]
    learn = digit_learner(digit_dls(x.float(), column, x, column, device='cpu'), torch.nn.Linear(784, 1))
    with quiet(learn):
        learn.fit(1, lr=.1)
    assert history(learn)['valid_loss'][0] < .6 and learn.model.weight.dtype == torch.float64
    load_model(torch.nn.Linear(784, 1), save_model(learn.model, tmp_path / 'm.safetensors'))


def test_mixed_precision_is_named():
    with pytest.raises(ValueError, match=r"weights: expected torch.float32, as xb's, got torch.float64; use xb.to\(weights.dtype\)"):
        linear1(XB, torch.ones(784, 1).double(), torch.ones(1))


@pytest.fixture
def elsewhere():
    torch.set_default_device('meta')
    yield
    torch.set_default_device(None)


def test_another_default_device(elsewhere, tmp_path):
    "What is read from files is on the CPU, whatever is made by default elsewhere; the meta device stands in for a GPU."
    images, labels = load_mnist('test', [3, 7])
    assert images.device.type == labels.device.type == 'cpu' and len(images) == 2038
    x, y, *_ = all_digits()
    assert x.device.type == 'cpu' and y[:3].tolist() != []
    kept = torch.nn.Linear(3, 1, device='cpu')
    again = load_model(torch.nn.Linear(3, 1, device='cpu'), save_model(kept, tmp_path / 'm.safetensors'))
    assert_close(again.weight, kept.weight)
    assert digit_cnn(pretrained=True)[1].weight.is_meta
    weights, bias = torch.zeros(784, 1, device='cpu'), torch.zeros(1, device='cpu')
    from digits_uth.loss import batch_accuracy
    from digits_uth.training import validate_epoch
    found = validate_epoch(lambda xb: linear1(xb, weights, bias), [(x[:5], (y[:5] == 3).long()[:, None])], batch_accuracy)
    assert found == float((y[:5] != 3).float().mean())
