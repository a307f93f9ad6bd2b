"Lesson 01: the same number always in the same grey, the right picture at the right place, and a text alternative that says what was said."
import io
import re
from base64 import b64decode
from html.parser import HTMLParser
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from PIL import Image
from torch.testing import assert_close

from digits_uth import pixels as module
from digits_uth.pixels import alt, pixel_table, show_image, show_images

EVERY_BYTE = np.arange(256, dtype=np.uint8).reshape(16, 16)
SMALL = torch.tensor([[0, 51, 255], [10, 20, 30]], dtype=torch.uint8)  # 51 / 255 is .2


def greys(ax):
    "The greys that the picture on `ax` is drawn with: 255 is white."
    image, = ax.images
    red, green, blue, opaque = np.moveaxis(image.to_rgba(image.get_array(), bytes=True).astype(int), -1, 0)
    assert (red == green).all() and (red == blue).all() and (opaque == 255).all()
    return red


# ---- show_image

@pytest.mark.parametrize('low, high', [(0, 256), (100, 150), (0, 1), (255, 256)])
@pytest.mark.parametrize('to', [np.asarray, torch.tensor, Image.fromarray, lambda im: torch.tensor(im).long(),
                                lambda im: im / 255, lambda im: torch.tensor(im / 255), lambda im: torch.tensor(im / 255).float()],
                         ids=['bytes', 'tensor', 'Pillow', 'whole numbers', 'from 0 to 1', 'double', 'float'])
def test_a_number_has_its_grey_whatever_else_is_in_the_picture(low, high, to):
    im = EVERY_BYTE.ravel()[low:high][None]
    assert abs(greys(show_image(to(im))) - (255 - im.astype(int))).max() <= 1


def test_half_grey_is_half_grey_on_the_page():
    for im, grey in ((torch.full((28, 28), .5), 127), (torch.zeros(28, 28), 255), (torch.ones(28, 28), 0),
                     (torch.full((28, 28), 128, dtype=torch.uint8), 127), (torch.full((28, 28), 64, dtype=torch.uint8), 191)):
        ax = show_image(im)
        ax.figure.canvas.draw()
        page = np.asarray(ax.figure.canvas.buffer_rgba())
        assert abs(int(page[page.shape[0] // 2, page.shape[1] // 2, 0]) - grey) <= 1


def test_rows_go_down_and_columns_to_the_right():
    ax = show_image(SMALL)
    assert np.asarray(ax.images[0].get_array()).tolist() == SMALL.tolist()
    assert ax.images[0].origin == 'upper' and ax.get_xlim() == (-.5, 2.5) and ax.get_ylim() == (1.5, -.5)
    assert not ax.axison


@pytest.mark.parametrize('form', [lambda im: im[None], lambda im: im[None].numpy(), lambda im: im.half(), lambda im: im.double(),
                                  lambda im: im.clone().requires_grad_()], ids=['(1, h, w)', 'array', 'half', 'double', 'with a record'])
def test_every_form_of_a_picture_is_drawn_as_it_is(form):
    im = torch.tensor([[0, .25, 1.], [.5, .75, .125]])
    assert_close(torch.tensor(np.asarray(show_image(form(im)).images[0].get_array())).float(), im)


def test_show_image_takes_axes_a_title_and_what_imshow_takes():
    fig, (left, right) = plt.subplots(1, 2)
    assert show_image(SMALL, right, 'a title') is right and right.get_title() == 'a title' and not left.images and left.get_title() == ''
    assert show_image(SMALL, ax=left).get_title() == '' and plt.get_fignums() == [fig.number]
    ax = show_image(torch.tensor([[-1., 0, 1]]), vmin=-1, vmax=1)
    assert ax.figure is not fig and abs(greys(ax) - [[255, 127, 0]]).max() <= 1
    image, = show_image(SMALL, cmap='gray').images
    assert (abs(image.to_rgba(image.get_array(), bytes=True)[..., 0].astype(int) - SMALL.numpy()) <= 1).all()


# ---- show_images

@pytest.mark.parametrize('n, ncols, shape', [(5, 2, (3, 2)), (6, 3, (2, 3)), (3, 8, (1, 3)), (1, 1, (1, 1)), (4, 1, (4, 1))])
def test_pictures_stand_in_rows_in_their_order(n, ncols, shape):
    ims = torch.linspace(0, 1, n)[:, None, None].expand(n, 4, 5)
    axs = show_images(ims, titles=[f'no. {i}' for i in range(n)], ncols=ncols)
    assert len(axs) == n and len(plt.get_fignums()) == 1
    for i, ax in enumerate(axs):
        place = ax.get_subplotspec()
        assert (place.rowspan.start, place.colspan.start) == divmod(i, shape[1])
        assert place.get_gridspec().get_geometry() == shape
        assert ax.get_title() == f'no. {i}' and np.allclose(ax.images[0].get_array(), ims[i])
    empty = set(axs[0].figure.axes) - set(axs)
    assert len(empty) == shape[0] * shape[1] - n and not any(ax.axison or ax.images or ax.get_title() for ax in empty)


def test_eight_in_a_row_unless_another_number_is_asked_for():
    axs = show_images(torch.zeros(9, 4, 4))
    assert axs[0].get_subplotspec().get_gridspec().get_geometry() == (2, 8) and [ax.get_title() for ax in axs] == [''] * 9


def test_each_picture_has_its_own_greys_and_kwargs_are_passed_on():
    dim, bright = show_images([torch.full((2, 2), .25), torch.full((2, 2), 191, dtype=torch.uint8)])
    assert abs(greys(dim) - 191).max() <= 1 and abs(greys(bright) - 64).max() <= 1
    first, second = show_images(torch.tensor([[[-1., 1]], [[0, 1]]]), vmin=-1, vmax=1)
    assert abs(greys(first) - [[255, 0]]).max() <= 1 and abs(greys(second) - [[127, 0]]).max() <= 1


# ---- pixel_table

def cells(table):
    "Of a table as a browser gets it: (row, column), as headings name them -> (text, background, ink)."
    page = table.to_html()
    styles = {}
    for selectors, rules in re.findall(r'((?:#\w+,?\s*)+)\s*{([^}]*)}', page):
        for name in re.findall(r'#(\w+)', selectors):
            styles[name] = dict(rule.strip().split(': ') for rule in rules.split(';') if rule.strip())
    columns = re.findall(r'<th [^>]*class="col_heading[^>]*>(.*?)</th>', page)
    found = {}
    for row in page.split('<tr>')[2:]:
        heading, = re.findall(r'<th [^>]*row_heading[^>]*>(.*?)</th>', row)
        for column, (name, text) in zip(columns, re.findall(r'<td id="(\w+)"[^>]*>(.*?)</td>', row), strict=True):
            r, g, b = map(int, re.fullmatch(r'rgb\((\d+), (\d+), (\d+)\)', styles[name]['background-color']).groups())
            assert r == g == b
            found[int(heading), int(column)] = text, r, styles[name]['color']
    return found


def test_a_table_of_bytes_shows_them_as_they_are_0_white_and_255_black():
    assert cells(pixel_table(SMALL)) == {
        (0, 0): ('0', 255, 'black'), (0, 1): ('51', 204, 'black'), (0, 2): ('255', 0, 'white'),
        (1, 0): ('10', 245, 'black'), (1, 1): ('20', 235, 'black'), (1, 2): ('30', 225, 'black')}
    assert cells(pixel_table(SMALL.numpy())) == cells(pixel_table(Image.fromarray(SMALL.numpy()))) == cells(pixel_table(SMALL))


def test_a_table_of_floats_has_two_decimals_0_white_and_1_black():
    assert cells(pixel_table(torch.tensor([[0, .2, .996], [1, .008, .6]]))) == {
        (0, 0): ('0.00', 255, 'black'), (0, 1): ('0.20', 204, 'black'), (0, 2): ('1.00', 1, 'white'),
        (1, 0): ('1.00', 0, 'white'), (1, 1): ('0.01', 253, 'black'), (1, 2): ('0.60', 102, 'white')}


def test_every_number_of_a_table_is_legible():
    "A contrast of 4.5 to 1 is what WCAG asks of text."
    def luminance(grey): return grey / 255 / 12.92 if grey <= 10 else ((grey / 255 + .055) / 1.055)**2.4
    for (row, column), (text, back, ink) in cells(pixel_table(EVERY_BYTE)).items():
        value = EVERY_BYTE[row, column]
        assert text == str(value) and back == 255 - value
        darker, lighter = sorted((luminance(back), {'black': 0, 'white': 1}[ink]))
        assert (lighter + .05) / (darker + .05) >= 4.5


def test_rows_and_cols_cut_and_keep_their_numbers():
    found = cells(pixel_table(EVERY_BYTE, rows=slice(4, 6), cols=slice(3, 12, 4)))
    assert {place: text for place, (text, *_) in found.items()} == {
        (4, 3): '67', (4, 7): '71', (4, 11): '75', (5, 3): '83', (5, 7): '87', (5, 11): '91'}
    assert set(cells(pixel_table(EVERY_BYTE, cols=slice(0, 1)))) == {(row, 0) for row in range(16)}


def test_a_table_is_the_same_at_each_run():
    assert pixel_table(SMALL).to_html() == pixel_table(SMALL.clone()).to_html() != pixel_table(SMALL[:1]).to_html()


# ---- alt

@pytest.fixture
def shell(monkeypatch):
    "IPython's display formatter, as in a notebook."
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    monkeypatch.setattr(module, 'get_ipython', lambda: shell)
    return shell


def shown(shell, fig):
    "What a page gets of a figure: one picture, its attributes as a browser reads them."
    data, _ = shell.display_formatter.format(fig)
    assert 'image/png' not in data and 'image/jpeg' not in data
    tags = []

    class Page(HTMLParser):
        def handle_starttag(self, tag, attrs): tags.append((tag, dict(attrs)))
    Page().feed(data['text/html'])
    (tag, attributes), = tags
    assert tag == 'img' and set(attributes) == {'alt', 'width', 'src'}
    return attributes


@pytest.mark.parametrize('text', ['The loss falls from 2.3 to 0.1.', 'A "3" & a \'7\': 3 < 7 > 2', '"><script>alert(1)</script>',
                                  'already &lt;escaped&gt; &amp; "quoted"', 'ünïcode – ½', 'two\nlines'])
def test_the_alternative_is_the_text_whatever_is_in_it(text, shell):
    fig, _ = plt.subplots(figsize=(1, 1))
    alt(text, fig)
    assert shown(shell, fig)['alt'] == text


def test_the_alternative_goes_to_the_figure_that_is_named_or_drawn_last(shell):
    first, second = plt.figure(figsize=(1, 1)), plt.figure(figsize=(1, 1))
    alt('the last')
    alt('the named', first)
    assert shown(shell, first)['alt'] == 'the named' and shown(shell, second)['alt'] == 'the last'
    alt('another', first)
    assert shown(shell, first)['alt'] == 'another'
    assert shown(shell, plt.figure(figsize=(1, 1)))['alt'] == 'A figure without a description'


def test_the_picture_on_the_page_is_the_figure_once_and_sharp(shell):
    shell.display_formatter.formatters['image/png'].for_type(Figure, lambda fig: b'as the inline backend sets it')
    fig, ax = plt.subplots(figsize=(2, 1), facecolor='white')
    ax.imshow([[0]], cmap='gray', vmin=0, vmax=1)
    alt('a black square', fig)
    attributes = shown(shell, fig)
    kind, data = attributes['src'].split(',')
    picture = Image.open(io.BytesIO(b64decode(data)))
    assert kind == 'data:image/png;base64' and int(attributes['width']) == picture.width // 2
    assert picture.convert('L').getpixel((picture.width // 2, picture.height // 2)) < 5
    assert picture.width > fig.dpi  # about two inches at twice the resolution, less the margin


def test_a_picture_has_an_alternative_of_its_own_until_there_is_a_better_one(shell):
    assert shown(shell, show_image(SMALL).figure)['alt'] == 'A picture of 2 by 3 pixels'
    assert shown(shell, show_images([SMALL] * 3)[0].figure)['alt'] == '3 pictures'
    fig, ax = plt.subplots(figsize=(1, 1))
    alt('a three', fig)
    show_image(SMALL, ax)
    assert shown(shell, fig)['alt'] == 'a three'
