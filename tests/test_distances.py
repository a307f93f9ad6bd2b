"Lesson 02: averages and distances by hand and by NumPy, and who is nearer, on two pixels and on every 3 and 7."
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from torch.testing import assert_close

from digits_uth.data import threes_and_sevens
from digits_uth.distances import ideal_digit, is_3, mae, mnist_distance, nearest_ideal, plot_shapes, rmse

# From nothing, a single black pixel is nearer than four pale ones by MAE (.25 < .3) and farther by RMSE (.5 > .3).
NOTHING, ONE_PIXEL, PALE = torch.zeros(1, 4), torch.tensor([[1., 0, 0, 0]]), torch.full((1, 4), .3)
BY_HAND = {mae: lambda a, b: np.abs(a - b).mean((-1, -2)), rmse: lambda a, b: np.sqrt(((a - b)**2).mean((-1, -2)))}


def random(*size, seed=0):
    return torch.rand(size, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope='module')
def digits():
    "Training 3s, training 7s, validation 3s, validation 7s, as pictures."
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    return [x[y[:, 0] == label].view(-1, 28, 28) for x, y in ((train_x, train_y), (valid_x, valid_y)) for label in (1, 0)]


# ---- ideal_digit

def test_the_ideal_is_the_mean_of_each_pixel():
    ims = torch.tensor([[[0., 1, .5]], [[.25, 1, .5]], [[1., .4, .5]]])  # three pictures of one row
    assert_close(ideal_digit(ims), torch.tensor([[1.25 / 3, .8, .5]]))   # medians are .25, 1, .5; maxima 1, 1, .5
    assert_close(ideal_digit(ims[:1]), ims[0])


def test_the_ideal_is_numpys_mean_over_the_first_axis():
    ims = random(7, 3, 5)
    assert_close(ideal_digit(ims), torch.tensor(ims.numpy().mean(0)))
    assert ideal_digit(ims.double()).dtype == torch.float64


# ---- mae and rmse

def test_distances_by_hand():
    a, b = torch.tensor([[0., .5, 1], [.2, .4, .6]]), torch.tensor([[0., 1, .5], [.2, .8, .5]])
    # the differences are 0, -.5, .5, 0, -.4, .1
    for found, expected in ((mae(a, b), 1.5 / 6), (mae(b, a), 1.5 / 6), (rmse(a, b), (.67 / 6)**.5), (rmse(b, a), (.67 / 6)**.5)):
        assert_close(found, torch.tensor(expected))
    assert mae(a, a) == rmse(a, a) == 0
    assert_close(torch.stack([mae(NOTHING, ONE_PIXEL), mae(NOTHING, PALE), rmse(NOTHING, ONE_PIXEL), rmse(NOTHING, PALE)]),
                 torch.tensor([.25, .3, .5, .3]))


@pytest.mark.parametrize('distance', [mae, rmse])
@pytest.mark.parametrize('a, b', [((3, 4), (3, 4)), ((5, 3, 4), (3, 4)), ((5, 3, 4), (5, 3, 4)), ((5, 1, 3, 4), (6, 3, 4)),
                                  ((2, 5, 3, 4), (3, 4))])
def test_distances_are_numpys_one_a_picture(distance, a, b):
    a, b = random(*a), random(*b, seed=1)
    found = distance(a, b)
    assert_close(found, torch.tensor(BY_HAND[distance](a.numpy(), b.numpy())))
    assert found.shape == np.broadcast_shapes(a.shape[:-2], b.shape[:-2])


def test_distances_are_pytorchs_losses():
    a, b = random(28, 28), random(28, 28, seed=1)
    assert_close(mae(a, b), F.l1_loss(a, b))
    assert_close(rmse(a, b), F.mse_loss(a, b).sqrt())
    assert_close(rmse(a, b), torch.linalg.vector_norm(a - b) / 28)


def test_the_other_name():
    assert mnist_distance is mae


# ---- is_3 and nearest_ideal

def test_a_3_is_nearer_to_the_ideal_3_than_to_the_ideal_7():
    ims, mean3, mean7 = torch.tensor([[[1., .9]], [[.2, .1]], [[.5, .5]], [[1., 0]]]), torch.ones(1, 2), torch.zeros(1, 2)
    assert is_3(ims, mean3, mean7).tolist() == [True, False, False, False]  # where both are as near, it isn't nearer to the 3
    assert is_3(ims, mean7, mean3).tolist() == [False, True, False, False]
    assert is_3(ims[0], mean3, mean7).shape == () and bool(is_3(ims[0], mean3, mean7))


def test_the_distance_decides_who_is_nearer():
    assert [bool(is_3(NOTHING, ONE_PIXEL, PALE, *distance)) for distance in ((), (mae,), (rmse,))] == [True, True, False]
    ideals = torch.stack([ONE_PIXEL, PALE])
    assert nearest_ideal(NOTHING[None], ideals).item() == nearest_ideal(NOTHING[None], ideals, rmse).item() == 1
    assert nearest_ideal(NOTHING[None], ideals, distance=mae).item() == 0


def test_the_nearest_of_many():
    ideals = torch.stack([torch.full((2, 3), grey) for grey in (.1, .9, .4)])
    ims = torch.stack([torch.full((2, 3), grey) for grey in (.95, .05, .5, .25 - 1e-3, .25 + 1e-3)])
    assert nearest_ideal(ims, ideals).tolist() == nearest_ideal(ims, ideals, mae).tolist() == [1, 0, 2, 0, 2]
    assert nearest_ideal(ims, ideals[:1]).tolist() == [0] * 5


def test_of_ideals_as_near_the_first_is_taken():
    ims = random(4, 3, 3)
    assert nearest_ideal(ims, ims[[0, 0, 0]]).tolist() == [0] * 4
    assert nearest_ideal(torch.full((1, 1, 2), .5), torch.tensor([[[1., 1]], [[0., 0]]])).tolist() == [0]


@pytest.mark.parametrize('distance', [mae, rmse])
def test_the_nearest_is_numpys_argmin(distance):
    ims, ideals = random(40, 5, 6), random(7, 5, 6, seed=1)
    expected = np.stack([BY_HAND[distance](ims.numpy(), ideal) for ideal in ideals.numpy()], 1).argmin(1)
    found = nearest_ideal(ims, ideals, distance)
    assert_close(found, torch.tensor(expected))
    assert len(found.unique()) > 2


# ---- on the pictures

def test_every_3_and_7_against_numpy(digits):
    with np.load(ROOT / 'digits_uth' / 'assets' / 'mnist.npz') as arrays:  # not by our own code
        train, train_y, test, test_y = (arrays[name] for name in ('x_train', 'y_train', 'x_test', 'y_test'))
    mean3, mean7 = (train[train_y == digit].mean(0) / 255 for digit in (3, 7))
    ideals = [ideal_digit(ims) for ims in digits[:2]]
    assert_close(torch.stack(ideals).double(), torch.tensor(np.stack([mean3, mean7])), atol=1e-5, rtol=0)
    for distance, counts in ((mae, [926, 1013]), (rmse, [968, 1001])):
        for digit, ims, count in zip((3, 7), digits[2:], counts, strict=True):
            pictures = test[test_y == digit] / 255
            said_3 = BY_HAND[distance](pictures, mean3) < BY_HAND[distance](pictures, mean7)
            assert is_3(ims, *ideals, distance=distance).tolist() == said_3.tolist()
            assert nearest_ideal(ims, torch.stack(ideals), distance).tolist() == (~said_3).astype(int).tolist()
            assert (said_3 == (digit == 3)).sum() == count


# ---- plot_shapes

def drawn(a, b):
    "What the boxes say, a row a shape and one for the sum; how many are dashed, and how many axes are crossed out."
    ax = plot_shapes(a, b)
    rows = [[text.get_text() for text in ax.texts if text.get_position()[1] == y and text.get_position()[0] > 0] for y in (2.35, 1.35, .35)]
    found = rows, sum(box.get_linestyle() == '--' for box in ax.patches), len(ax.lines)
    assert all((box.get_hatch() is not None) == (box.get_linestyle() == '--') for box in ax.patches)  # not by one sign alone
    plt.close(ax.figure)
    return found


@pytest.mark.parametrize('a, b, rows, dashed, crossed', [
    ((6131, 28, 28), (28, 28), [['6131', '28', '28'], ['missing → 6131', '28', '28'], ['6131', '28', '28']], 1, 0),
    ((2, 3), (2,), [['2', '3'], ['missing → 2', '2'], ['', '✗']], 1, 1),
    ((4, 1), (4,), [['4', '1 → 4'], ['missing → 4', '4'], ['4', '4']], 2, 0),
    ((5, 3), (4, 2), [['5', '3'], ['4', '2'], ['✗', '✗']], 0, 2), ((1,), (1, 1), [['missing → 1', '1'], ['1', '1'], ['1', '1']], 1, 0),
    ((0, 2), (1, 2), [['0', '2'], ['1 → 0', '2'], ['0', '2']], 1, 0), ((), (), [[], [], []], 0, 0), ((), (3,), [['missing → 3'], ['3'], ['3']], 1, 0)])
def test_shapes_are_drawn_as_broadcasting_has_them(a, b, rows, dashed, crossed):
    assert drawn(a, b) == (rows, dashed, crossed) == drawn(torch.ones(a), list(b))
    try: assert rows[2] == [str(size) for size in torch.broadcast_shapes(a, b)] and not crossed
    except RuntimeError: assert crossed


@pytest.mark.parametrize('wrong', [28, (3), '28', (2, 'n'), (2., 3.), (-1, 2), None])
def test_what_is_no_shape_is_refused(wrong):
    before = plt.get_fignums()
    with pytest.raises(ValueError, match=r'b: expected a shape, such as \(2, 3\).*lesson 02'):
        plot_shapes((2, 3), wrong)
    assert plt.get_fignums() == before


# ---- what the lesson says of the pictures

def test_rmse_is_a_weighted_sum_of_pixels_in_disguise(digits):
    mean3, mean7 = (ideal_digit(ims).double() for ims in digits[:2])
    weights, bias = 2 * (mean3 - mean7), (mean7**2).sum() - (mean3**2).sum()
    for ims in digits[2:]:
        score = (ims.double() * weights).sum((-1, -2)) + bias
        assert_close(score, 784 * (rmse(ims, mean7)**2 - rmse(ims, mean3)**2))
        assert ((score > 0) == is_3(ims, mean3, mean7, rmse)).all()


def test_the_two_halves_of_the_test_pictures_are_no_more_alike_than_their_writers():
    with np.load(ROOT / 'digits_uth' / 'assets' / 'mnist.npz') as arrays:
        train, train_y, test, test_y = (arrays[name] for name in ('x_train', 'y_train', 'x_test', 'y_test'))
    mean3, mean7 = (train[train_y == digit].mean(0) / 255 for digit in (3, 7))
    for distance, expected in (('mae', [(947, 1012), (992, 1026)]), ('rmse', [(963, 1012), (1006, 1026)])):
        for half, (right, n) in zip((slice(0, 5000), slice(5000, None)), expected, strict=True):
            ims, digit = test[half] / 255, test_y[half]
            ims, digit = ims[np.isin(digit, (3, 7))], digit[np.isin(digit, (3, 7))]
            by = BY_HAND[mae if distance == 'mae' else rmse]
            assert (((by(ims, mean3) < by(ims, mean7)) == (digit == 3)).sum(), len(digit)) == (right, n)


def test_a_border_makes_the_two_distances_much_the_same(digits):
    ideals = [ideal_digit(ims) for ims in digits[:2]]
    for distance, border, right in ((mae, -.012, 1967), (rmse, 0, 1969), (rmse, -.008, 1970)):
        margins = [distance(ims, ideals[1]) - distance(ims, ideals[0]) for ims in digits[2:]]
        assert abs((margins[0] > border).sum() + (margins[1] <= border).sum() - right) <= 1


def test_little_ink_is_a_handicap_for_threes_that_a_border_halves(digits):
    ideals = [ideal_digit(ims) for ims in digits[:2]]
    found = {}
    for border in (0, -.012):
        for digit, ims in zip((3, 7), digits[2:], strict=True):
            margins, ink = mae(ims, ideals[1]) - mae(ims, ideals[0]), ims.mean((1, 2))
            failed = (margins <= border) if digit == 3 else (margins > border)
            found[border, digit] = [failed[(low <= ink) & (ink < high)].sum().item() for low, high in ((0, .10), (.10, .14), (.14, 1))]
    for case, expected in {(0, 3): [26, 33, 25], (0, 7): [3, 6, 6], (-.012, 3): [14, 13, 11]}.items():
        assert np.abs(np.subtract(found[case], expected)).max() <= 1, (case, found[case])


def test_a_blank_page_is_a_7_and_a_shift_costs(digits):
    ideals = [ideal_digit(ims) for ims in digits[:2]]
    for distance in (mae, rmse):
        assert not is_3(torch.zeros(28, 28), *ideals, distance)
        assert distance(digits[2].roll(4, -1), ideals[0]).mean() > 1.2 * distance(digits[2], ideals[0]).mean()
