"The landscape: what it takes and refuses; and in a real browser: dragged, walked by keyboard, quick, while the kernel is busy, light and dark."
import time

import numpy as np
import pytest
import torch
from conftest import CHROMIUM, tell
from browser import axe, choose_theme, open_notebook, run_all, run_code, serve, take_picture, write_notebook
from torch.testing import assert_close

from digits_uth.landscape import Landscape

in_a_browser = [pytest.mark.slow, pytest.mark.xdist_group('browser'),
                pytest.mark.skipif(CHROMIUM is None, reason='no Chromium was found: the landscape was not tried in a browser')]

xs, ys = torch.linspace(-2, 2, 5), torch.linspace(0, 3, 4)
valley = ((xs - 1)**2 + (ys[:, None] - 2)**2) / 13
stairs = (valley < .5).float() / 2 + .25


# ---- in Python

def test_it_holds_the_maps_a_row_for_each_change_of_the_second_weight():
    landscape = Landscape(valley, stairs, xs, ys, ('one', 'two'))
    assert_close(torch.tensor(landscape.losses), valley, atol=1e-6, rtol=0)
    assert_close(torch.tensor(landscape.accuracies), stairs, atol=1e-6, rtol=0)
    assert (len(landscape.losses), len(landscape.losses[0])) == (4, 5)
    assert landscape.changes_x == [-2, -1, 0, 1, 2] and landscape.changes_y == [0, 1, 2, 3] and landscape.names == ['one', 'two']
    assert landscape.point == landscape.start == [0, 0] and landscape.fog is False
    assert all(type(v) is float for row in landscape.losses for v in row)  # what travels as plain text


def test_the_point_goes_to_the_nearest_place_that_was_computed():
    landscape = Landscape(valley, stairs, xs, ys, start=(-1.4, 2.6))
    assert landscape.point == landscape.start == [-1, 3]
    landscape.point = (.6, .4)
    assert landscape.point == [1, 0] and landscape.start == [-1, 3]
    seen = []
    landscape.observe(lambda change: seen.append(change.new), 'point')
    landscape.point = torch.tensor([2., 1.])
    assert seen == [[2, 1]]


@pytest.mark.parametrize('reach', [1e-4, .5, 8, 3000])
def test_zero_is_zero_and_steps_are_equal(reach):
    changes = Landscape(None, torch.zeros(41, 41), *[torch.linspace(-reach, reach, 41)] * 2).changes_x
    assert changes[20] == 0 and changes[0] == -changes[-1]
    assert_close(torch.tensor(changes), torch.linspace(-reach, reach, 41), atol=1e-5 * reach, rtol=0)


def test_accuracy_alone_arrays_and_float64():
    assert Landscape(None, stairs, xs, ys).losses == []
    landscape = Landscape(valley.numpy(), stairs.double(), xs.numpy(), ys.double(), fog=True)
    assert landscape.fog is True and np.allclose(landscape.losses, valley, atol=1e-6)


nan = valley.clone()
nan[0, 0] = float('nan')


@pytest.mark.parametrize('call, words', [
    (lambda: Landscape(valley.T, stairs, xs, ys), 'losses: expected a float tensor of shape (4, 5) | got shape (5, 4)'),
    (lambda: Landscape(valley, stairs[:3], xs, ys), 'accuracies: expected a float tensor of shape (4, 5) | got shape (3, 5)'),
    (lambda: Landscape(valley, stairs * 100, xs, ys), 'accuracies: expected | from 0 to 1 | got values from 25 to 75'),
    (lambda: Landscape(valley - 1, stairs, xs, ys), 'losses: expected | got values from -1'),
    (lambda: Landscape(nan, stairs, xs, ys), 'losses: expected | got NaN or infinity'),
    (lambda: Landscape(valley.tolist(), stairs, xs, ys), 'losses: expected | got a list of 4; use torch.stack or torch.tensor'),
    (lambda: Landscape(valley, None, xs, ys), 'accuracies: expected | got a value of type NoneType'),
    (lambda: Landscape(valley, stairs, xs.flip(0), ys), 'changes_x: expected at least three numbers that go up in equal steps'),
    (lambda: Landscape(valley, stairs, xs, ys**2), 'changes_y: expected at least three numbers that go up in equal steps'),
    (lambda: Landscape(valley, stairs, xs[:1], ys), 'changes_x: expected at least three numbers'),
    (lambda: Landscape(valley, stairs, xs.long(), ys), 'changes_x: expected a float tensor | got torch.int64'),
    (lambda: Landscape(valley, stairs, xs, ys, ('one',)), "names: expected two names | got ['one']"),
    (lambda: Landscape(valley, stairs, xs, ys, 'ab'), "names: expected two names | got ['ab']"),
    (lambda: Landscape(valley, stairs, xs, ys, ('one', 2)), 'names: expected two names'),
    (lambda: Landscape(valley, stairs, xs, ys, start=(3, 0)), 'point: expected a place on the map, from -2 to 2, got 3'),
    (lambda: Landscape(valley, stairs, xs, ys, start=(0, float('nan'))), 'point: expected a place on the map'),
    (lambda: Landscape(valley, stairs, xs, ys, start=1), 'point: expected two numbers'),
    (lambda: Landscape(valley, stairs, xs, ys, start=(1, 2, 3)), 'point: expected two numbers'),
    (lambda: setattr(Landscape(valley, stairs, xs, ys), 'point', 'ab'), 'point: expected two numbers | got'),
])
def test_what_is_no_map_is_refused_in_words(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    for phrase in words.split(' | '):
        assert phrase in str(caught.value), str(caught.value)
    assert '(lesson 04)' in str(caught.value)


# ---- in a browser

CELL = """import torch
from digits_uth.landscape import Landscape
changes = torch.linspace(-2, 2, 41)
y, x = torch.meshgrid(changes, changes, indexing='ij')
valley = ((x - 1)**2 + (y - .5)**2) / 16
stairs = 1 - (valley * 4).round() / 4
landscape = Landscape(valley, stairs, changes, changes, ('a', 'b'), (-1, -1))
landscape"""


@pytest.fixture(scope='module')
def lab(tmp_path_factory, site):
    folder = tmp_path_factory.mktemp('lab')
    write_notebook(folder / 'copies' / 'landscape.ipynb', 'A landscape', CELL)
    with serve(folder, folder / 'copies', site) as address:
        yield address


class Map:
    "The widget in a page."
    def __init__(self, lab, page):
        self.page, self.root = page, page.locator('.uth-landscape')
        open_notebook(lab.format('landscape'), page)
        run_all(page)
        self.map().wait_for()

    def map(self, kind='loss'): return self.page.locator(f'.uth-landscape-map[data-kind={kind}]')
    def words(self, number=0): return self.page.locator('.uth-landscape-words').nth(number).text_content()
    def redraws(self): return int(self.root.get_attribute('data-redraws'))
    def run(self, code, wait=True): return run_code(self.page, code, wait)
    def at(self, x, y): self.page.wait_for_function("at => document.querySelector('.uth-landscape').dataset.point === at", arg=f'{x:g} {y:g}')
    def in_python(self, x, y):
        for _ in range(40):
            if (found := self.run('print(*landscape.point)').split()) == [str(float(x)), str(float(y))]: return
            time.sleep(.1)
        raise AssertionError(found)

    def place(self, x, y, kind='loss'):  # 46 and 6 pixels of margin and one of border, 250 of map
        box = self.map(kind).bounding_box()
        return box['x'] + 47 + (x + 2.05) / 4.1 * 250, box['y'] + 7 + (2.05 - y) / 4.1 * 250


class TestInABrowser:
    pytestmark = in_a_browser

    def test_dragged_on_either_map_it_moves_on_both_and_in_python(self, lab, page):
        w = Map(lab, page)
        w.at(-1, -1)
        assert w.words().startswith('Loss .3906. Slope −.2500 across, −.1875 upwards: downhill is right and up.')
        assert w.words(1).startswith('Accuracy .5000.')
        for kind, (x, y) in (('loss', (.5, 1)), ('accuracy', (-.3, -1.2))):
            page.mouse.move(*w.place(-1, 0, kind))
            page.mouse.down()
            page.mouse.move(*w.place(x, y, kind), steps=5)
            w.at(x, y)
            page.mouse.up()
            w.in_python(x, y)
        page.mouse.move(*w.place(1, 1))
        w.at(-.3, -1.2)  # no button, no drag
        w.run('landscape.point = 1.01, .52')
        w.at(1, .5)
        assert 'The lowest on this map.' in w.words() and 'Flat here' in w.words(1) and 'The highest on this map.' in w.words(1)

    def test_by_keyboard(self, lab, page):
        w = Map(lab, page)
        cells = page.locator('.jp-Cell').count()
        for kind in ('loss', 'accuracy'):
            w.map(kind).focus()
            for key, place in (('ArrowRight', (-.9, -1)), ('ArrowUp', (-.9, -.9)), ('Shift+ArrowRight', (-.4, -.9)), ('Shift+ArrowDown', (-.4, -1.4)),
                               ('ArrowLeft', (-.5, -1.4)), ('b', (-.5, -1.4)), ('d', (-.5, -1.4)), ('Home', (-1, -1))):
                page.keyboard.press(key)
                w.at(*place)
        for _ in range(9): page.keyboard.press('Shift+ArrowLeft')
        w.at(-2, -1)  # the map's end
        assert page.locator('.jp-Cell').count() == cells
        page.wait_for_function("document.querySelector('.uth-landscape-spoken').textContent.includes('Loss')")
        assert w.words() in page.locator('.uth-landscape-spoken').text_content()
        assert page.locator('.uth-landscape-spoken').get_attribute('aria-live') == 'polite'
        help_of = w.map().get_attribute('aria-describedby')
        assert 'arrow keys' in page.locator(f'#{help_of}').text_content() and w.map().get_attribute('aria-label') == 'Map of the loss over changes of a and b'

    def test_twenty_redraws_a_second_while_it_is_dragged_and_the_kernel_busy(self, lab, page):
        w = Map(lab, page)
        w.run('import time; time.sleep(8)', wait=False)
        middle = w.place(0, 0)
        page.mouse.move(*middle)
        page.mouse.down()
        before, begun, moves = w.redraws(), time.perf_counter(), 0
        while time.perf_counter() - begun < 2:
            moves += 1
            turn = moves / 6
            page.mouse.move(middle[0] + 100 * np.cos(turn), middle[1] + 100 * np.sin(turn))
        seconds = time.perf_counter() - begun
        rate = (w.redraws() - before) / seconds
        page.mouse.move(*w.place(1.2, -.4))
        w.at(1.2, -.4)
        page.mouse.up()
        tell(f'landscape: {rate:.0f} redraws a second, of {moves / seconds:.0f} moves')
        assert rate >= 20, f'{rate:.1f} redraws a second, of {moves / seconds:.1f} moves'
        w.in_python(1.2, -.4)  # once the kernel is free

    def test_by_finger(self, lab, browser):
        context = browser.new_context(has_touch=True, viewport={'width': 1400, 'height': 1000})
        page = context.new_page()
        try:
            w = Map(lab, page)
            page.touchscreen.tap(*w.place(.7, .2))
            w.at(.7, .2)
            assert w.map().evaluate("e => getComputedStyle(e).touchAction") == 'none'
        finally:
            context.close()

    def test_bright_is_good_on_both_maps(self, lab, page):
        w = Map(lab, page)
        brightness = """([kind, x, y]) => {
            const map = document.querySelector(`.uth-landscape-map[data-kind=${kind}]`), sharp = map.width / map.getBoundingClientRect().width;
            const [r, g, b] = map.getContext('2d').getImageData(x * sharp, y * sharp, 1, 1).data;
            return .2126 * r + .7152 * g + .0722 * b;
        }"""
        for kind in ('loss', 'accuracy'):  # the valley's bottom, where the accuracy is highest, and a far corner
            box = w.map(kind).bounding_box()
            bottom, corner = [page.evaluate(brightness, [kind, px - box['x'], py - box['y']]) for px, py in (w.place(1, .6, kind), w.place(-1.8, -1.8, kind))]
            assert bottom > 2 * corner, (kind, bottom, corner)
        assert page.locator('.uth-widget-title').all_text_contents() == ['Loss: bright is low', 'Accuracy: bright is high']

    def test_what_is_shown_and_fog(self, lab, page):
        w = Map(lab, page)
        page.get_by_label('Show the loss').uncheck()
        w.map('loss').wait_for(state='hidden')
        assert w.map('accuracy').is_visible()
        pixel = """([x, y]) => [...document.querySelector('.uth-landscape-map[data-kind=accuracy]').getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)"""
        clear = page.evaluate(pixel, [280, 20])
        page.get_by_label('Fog').check()
        page.wait_for_function(f'() => JSON.stringify(({pixel})([280, 20])) === "[208,208,208]"')
        assert clear != [208, 208, 208]
        page.mouse.move(*w.place(-1, -1, 'accuracy'))
        page.mouse.down()
        page.mouse.move(*w.place(1.7, 1.7, 'accuracy'), steps=30)
        page.mouse.up()
        page.wait_for_function(f'() => JSON.stringify(({pixel})([280, 20])) !== "[208,208,208]"')
        page.get_by_role('button', name='Back to the start').click()
        w.at(-1, -1)
        page.wait_for_function(f'() => JSON.stringify(({pixel})([280, 20])) === "[208,208,208]"')

    def test_light_and_dark(self, lab, page):
        w = Map(lab, page)
        page.add_style_tag(content='body { overflow: visible !important }')
        for theme in ('JupyterLab Light', 'JupyterLab Dark'):
            choose_theme(page, theme)
            assert not axe(page, '.uth-landscape')['violations']
            w.map().focus()
            take_picture(page, f'landscape_{theme.split()[1]}')
