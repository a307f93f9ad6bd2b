"""The page that runs anywhere: what it takes, refuses and writes; and in a real browser without a network, that it reads and
answers as Python does, by mouse, finger, keyboard and file, light, dark and narrow; and the same as a widget in JupyterLab.

What is measured (differences, milliseconds) is printed, and written where TIMES names a file.
"""
import base64
import copy
import io
import json
import os
import re
import zipfile
from functools import cache

import numpy as np
import pytest
import torch
from browser import Hand, axe, choose_theme, open_notebook, run_all, run_code, serve, take_picture, write_notebook
from conftest import CHROMIUM, tell
from PIL import Image
from test_preparation import FAR, FULL, GREY, IMAGES, INK, LABELS, MADE, PLAIN, halves, page_of, photo, seven, turned
from torch import nn

from digits_uth.cnn import _Pictures, _scores, digit_cnn, predict
from digits_uth.distances import ideal_digit, rmse
from digits_uth.drawing import _prepared
from digits_uth.models import simple_net
from digits_uth.page import Ladder, _computed, _layers, _tried, export_page
from digits_uth.preparation import prepare
from digits_uth.strokes import course_drawings

in_a_browser = [pytest.mark.slow, pytest.mark.xdist_group('browser'),
                pytest.mark.skipif(CHROMIUM is None, reason='no Chromium was found: the page was not tried in a browser')]


@cache
def ladder():
    "A model of each kind; the weights of two of them are as random as they started."
    torch.manual_seed(0)
    ideals = torch.stack([ideal_digit(IMAGES[LABELS == d] / 255) for d in range(10)])
    linear, two = nn.Linear(784, 10), simple_net(784, 50, 10)
    with torch.no_grad():  # sure enough that a difference would show
        linear.weight.mul_(10)
        two[2].weight.mul_(10)
    return {'Nearest ideal': ideals, 'Linear': linear, 'Two layers': two, 'Convolutions': digit_cnn(pretrained=True)}


# ---- in Python

def test_one_file_holds_everything_and_asks_for_nothing(tmp_path):
    path = export_page(ladder(), tmp_path / 'digits.html')
    text = path.read_text(encoding='utf-8')
    assert path == tmp_path / 'digits.html' and [*tmp_path.iterdir()] == [path]
    assert len(text.encode()) < 1_500_000
    assert not re.findall(r'https?:|\bimport\b[ (]|\bfetch\(|XMLHttpRequest|\bsrc=|url\(|/\*[A-Z]+\*/', text.split('<script type')[0] + text.split('</script>', 1)[1])
    assert '<html lang="en">' in text and '<title>' in text and "default-src 'none'" in text
    tell(f'page: {len(text.encode()) / 1e3:.0f} kB for four models')


NETWORKS = {
    'linear': nn.Linear(784, 10), 'lesson 04': nn.Linear(784, 1), 'no bias': nn.Linear(784, 10, bias=False), 'two layers': simple_net(784, 20, 10),
    'lesson 08': simple_net(784, 30, 1), 'nested': nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(784, 9)), nn.ReLU(), nn.Sequential(nn.Sequential(nn.Linear(9, 10)))),
    'in double precision': nn.Linear(784, 10).double(), 'digit_cnn': digit_cnn(),
    'rows to pictures': nn.Sequential(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(676, 10)),
    'pictures': nn.Sequential(nn.Conv2d(1, 4, (5, 3), stride=(2, 1), padding=(0, 2)), nn.BatchNorm2d(4), nn.Identity(), nn.ReLU(), nn.AvgPool2d((2, 3), (2, 1)),
                              nn.Conv2d(4, 10, 3, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    'normalised first': nn.Sequential(_Pictures(), nn.BatchNorm2d(1, affine=False), nn.Conv2d(1, 6, 7, stride=3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(384, 10)),
    'pooled first': nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(49, 10)), 'deep': nn.Sequential(nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 10)),
}
for network in NETWORKS.values():  # running means and variances that do something
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d): part.running_mean.uniform_(-1, 1), part.running_var.uniform_(.5, 2)


@pytest.mark.parametrize('name', NETWORKS)
def test_the_numbers_on_the_page_give_the_models_own_scores(name):
    model = NETWORKS[name]
    layers, pictures = _layers(model, 'model')
    expected = _scores(nn.Sequential(nn.Unflatten(1, (1, 28, 28)), model) if pictures else model, _tried())
    torch.testing.assert_close(_computed(json.loads(json.dumps(layers)), _tried()), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('training', [True, False])
def test_models_stay_as_they_are(training, tmp_path):
    models = {name: copy.deepcopy(model).train(training) for name, model in NETWORKS.items()}
    models['digit_cnn'][2].train(not training)
    before = {name: ([p.training for p in m.modules()], copy.deepcopy(m.state_dict()), [p.requires_grad for p in m.parameters()]) for name, m in models.items()}
    export_page(models, tmp_path / 'a.html')
    for name, m in models.items():
        modes, state, wants = before[name]
        assert [p.training for p in m.modules()] == modes and [p.requires_grad for p in m.parameters()] == wants
        assert all(v.equal(state[k]) for k, v in m.state_dict().items()) and all(p.grad is None for p in m.parameters())


def test_no_name_ends_the_script(tmp_path):
    name = '</script><b>&"\' <!--<script>'
    text = export_page({name: nn.Linear(784, 10)}, tmp_path / 'a.html').read_text(encoding='utf-8')
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(data)['models'][0]['name'] == name and '<' not in data


def test_the_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    path = export_page({'A': nn.Linear(784, 10)}, tmp_path / 'a.html')
    old = path.read_bytes()
    def full(*_): raise OSError(28, 'No space left on device')
    with monkeypatch.context() as patch:
        patch.setattr(os, 'replace', full)
        with pytest.raises(ValueError, match='path: expected a file to write.*No space left on device; choose another'):
            export_page(ladder(), path)
    with pytest.raises(ValueError):
        export_page({'A': nn.Linear(784, 3)}, path)
    assert path.read_bytes() == old and [*tmp_path.iterdir()] == [path]
    export_page({'B': nn.Linear(784, 10)}, str(path))
    assert path.read_bytes() != old


class Doubled(nn.Linear):
    def forward(self, xb): return 2 * super().forward(xb)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(784, 10)
    def forward(self, xb): return self.linear(xb)


def broken(value):
    model = nn.Linear(784, 10)
    nn.init.constant_(model.bias, value)
    return model


ideals = torch.rand(10, 28, 28, generator=torch.Generator().manual_seed(0))
REFUSED = {
    'no dict': (nn.Linear(784, 10), 'models: expected a dict of a name and a model each, got a value of type Linear'),
    'an empty dict': ({}, 'models: expected a dict | got an empty one'),
    'no name': ({' ': ideals}, "names of at least a letter, got ' '"), 'a number as name': ({3: ideals}, 'names of at least a letter, got 3'),
    'ideals to 255': (ideals * 255, "models['m']: expected a float tensor of shape (10, 28, 28) | use models['m'].float() / 255"),
    'nine ideals': (ideals[:9], 'a float tensor of shape (10, 28, 28) | got shape (9, 28, 28)'), 'bytes': (ideals.byte(), 'got torch.uint8'),
    'a list': ([*ideals], 'got a list of 10; use torch.stack'), 'NaN': (ideals / 0 * 0, 'NaN or infinity'), 'a function': (lambda xb: xb, 'got a value of type function'),
    'nothing': (None, 'got a value of type NoneType'), '26 outputs': (nn.Linear(784, 26), "models['m']: expected ideals | got outputs of the form (26,) | nn.Linear(…, 10)"),
    'too few pixels': (nn.Linear(100, 10), 'got Linear(in_features=100 | as layer 0, where a picture has the form (784,) | let sizes fit'),
    'no Flatten': (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(26, 10)), 'as layer 1, where a picture has the form (2, 26, 26); put nn.Flatten() before a Linear'),
    'a softmax': (nn.Sequential(nn.Linear(784, 10), nn.Softmax(1)), 'got Softmax as layer 1; leave it out'), 'own forward': (Own(), 'got Own as layer 0'),
    'a Linear that does more': (Doubled(784, 10), 'scores that differ by | a forward of its own'),
    'NaN weights': (broken(float('nan')), 'got NaN or infinity in bias; train it again'), 'infinite weights': (broken(float('inf')), 'got NaN or infinity in bias'),
    'half': (nn.Linear(784, 10).half(), 'got weight in torch.float16; use model.float()'), 'meta': (nn.Linear(784, 10, device='meta'), 'on the meta device; load its weights'),
    'lazy': (nn.LazyLinear(10), 'weights have no sizes yet; call it once'), 'groups': (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3, groups=2)), 'on the page it must have groups=1'),
    'same': (nn.Sequential(nn.Conv2d(1, 2, 3, padding='same')), 'a number of zeros as padding'), 'reflect': (nn.Conv2d(1, 2, 3, padding=1, padding_mode='reflect'), 'zeros as padding'),
    'no statistics': (nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)), 'it must have track_running_stats=True'),
    'ceil': (nn.Sequential(nn.AvgPool2d(5, ceil_mode=True)), 'padding=0 and ceil_mode=False'), 'adaptive': (nn.Sequential(nn.AdaptiveAvgPool2d(2)), 'AdaptiveAvgPool2d(1)'),
    'colours': (nn.Sequential(nn.Conv2d(3, 2, 3)), 'got Conv2d(3, 2 | the form (1, 28, 28)'), 'too large a window': (nn.Sequential(nn.Conv2d(1, 2, 30)), 'got Conv2d(1, 2'),
    'empty': (nn.Sequential(), 'outputs of the form (784,)'),
}


@pytest.mark.parametrize('make', [lambda models: export_page(models, os.devnull + '/none'), Ladder], ids=['export_page', 'Ladder'])
@pytest.mark.parametrize('case', REFUSED)
def test_what_the_page_cant_compute_is_refused_in_words(case, make):
    models, words = REFUSED[case]
    if case not in ('no dict', 'an empty dict', 'no name', 'a number as name'): models = {'m': models}
    with pytest.raises(ValueError) as caught:
        make(models)
    for phrase in [*words.split(' | '), '(lesson 12)']:
        assert phrase in str(caught.value), str(caught.value)


def test_a_hook_that_changes_the_scores_is_noticed_and_the_cure_works(tmp_path):
    model = nn.Linear(784, 10)
    hook = model.register_forward_hook(lambda *args: args[2] + 1)
    with pytest.raises(ValueError, match='scores that differ by 1 .* hooks'):
        export_page({'A': model}, tmp_path / 'a.html')
    hook.remove()
    assert export_page({'A': model}, tmp_path / 'a.html').exists()


@pytest.mark.parametrize('path, words', [(None, 'got None'), ('', "got ''"), (3, 'got 3'), ('.', 'got the folder .'), ('none/a.html', 'none/a.html: No such file or directory; choose another')])
def test_a_path_that_cant_be_written(path, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match='path: expected a file to write, in a folder that is there') as caught:
        export_page({'A': nn.Linear(784, 10)}, path)
    assert words in str(caught.value).replace('\\', '/') and '(lesson 12)' in str(caught.value) and not [*tmp_path.iterdir()]


def test_the_widget_has_the_same_and_a_line_where_there_are_none():
    widget = Ladder({'A': ideals, 'B': NETWORKS['linear']})
    assert [m['name'] for m in widget.models] == ['A', 'B'] and len(widget.drawings) == len(course_drawings())
    assert len(repr(widget)) <= 110 and 'export_page' in repr(widget)
    assert json.loads(json.dumps(widget.models)) == widget.models  # what travels as plain text


# ---- in a browser

class Page(Hand):
    "The page from a file, without a network."
    def __init__(self, browser, path, **how):
        self.context = browser.new_context(**{'viewport': {'width': 1180, 'height': 900}, **how})
        self.context.set_offline(True)
        self.page, self.wrong = self.context.new_page(), []
        self.page.set_default_timeout(60_000)
        # the advice is for reading a canvas often, as these tests do
        self.page.on('console', lambda message: None if 'willReadFrequently' in message.text else self.wrong.append(message.text))
        self.page.on('pageerror', lambda error: self.wrong.append(str(error)))
        self.page.on('request', lambda request: None if request.url.startswith(('file:', 'data:', 'blob:')) else self.wrong.append(request.url))
        self.page.goto(path.as_uri())
        self.paper.wait_for()

    status = property(lambda self: self.page.locator('.uth-pad-status'))
    summary = property(lambda self: self.page.locator('.uth-ladder-summary'))
    preview = property(lambda self: self.page.evaluate("""() => [...document.querySelector('.uth-pad-preview').getContext('2d').getImageData(0, 0, 28, 28).data]
      .filter((_, i) => i % 4 === 0).map(v => 255 - v)"""))

    def says(self, text): self.status.filter(has_text=text).wait_for()
    def answers(self, last='Convolutions'): self.summary.filter(has_text=f'{last}:').wait_for()
    def click(self, name): self.page.get_by_role('button', name=name, exact=True).click()
    def file(self, name, data):
        self.page.locator('input[type=file]').set_input_files([{'name': name, 'mimeType': 'image/png', 'buffer': data}])


@pytest.fixture(scope='module')
def digits(tmp_path_factory):
    return export_page(ladder(), tmp_path_factory.mktemp('page') / 'digits.html')


@pytest.fixture
def there(browser, digits):
    there = Page(browser, digits)
    yield there
    there.context.close()
    assert not there.wrong


def png(picture):
    file = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(file, 'PNG')
    return file.getvalue()


def refusal(picture):
    "What the pad says where Python refuses a picture."
    with pytest.raises(ValueError) as caught:
        prepare(picture)
    return re.sub(r' \(lesson \d+\)', '', str(caught.value).replace('picture: expected', 'The program expects'))


ANSWERS = """all => { const bytes = Uint8Array.from(atob(all), c => c.charCodeAt(0)), found = [];
  for (let i = 0; i < bytes.length; i += 784)
    found.push(digitsUth.answers(bytes.subarray(i, i + 784)).map(a => [a.digit, [...(a.scores || [])], [...(a.distances || a.probabilities)]]));
  return found }"""


def as_the_page_answers(page, pictures):
    "For each model: digits, scores, and probabilities or distances."
    found = page.evaluate(ANSWERS, base64.b64encode(pictures.numpy().tobytes()).decode())
    return [[torch.tensor(part, dtype=torch.float64) for part in zip(*answers, strict=True)] for answers in zip(*found, strict=True)]


def compare(page, models, pictures, what):
    rows = (pictures / 255).flatten(1)
    for (name, model), (digits, scores, numbers) in zip(models.items(), as_the_page_answers(page, pictures), strict=True):
        if isinstance(model, torch.Tensor):
            expected = rmse(rows.view(-1, 1, 28, 28), model)
            assert (digits == expected.argmin(1)).all()
        else:
            wholly = nn.Sequential(nn.Unflatten(1, (1, 28, 28)), model) if name in ('pictures', 'pooled first') else model
            theirs, expected = predict(wholly, pictures)
            apart = (scores - _scores(wholly, rows)).abs().max().item()
            assert (digits == theirs).all() and apart < 1e-3
            tell(f'page: {what}, {name}: scores differ by at most {apart:.1e}')
        apart = (numbers - expected).abs().max().item()
        tell(f'page: {what}, {name}: {"distances" if isinstance(model, torch.Tensor) else "probabilities"} differ by at most {apart:.1e}')
        assert apart < 1e-4


class TestInABrowser:
    pytestmark = in_a_browser

    def test_a_thousand_of_mnists_pictures_are_read_as_python_reads_them(self, there):
        compare(there.page, ladder(), IMAGES[:1000], '1,000 pictures')

    @pytest.mark.filterwarnings("ignore:predict. not like MNIST's pictures")
    def test_every_kind_of_layer(self, browser, tmp_path):
        there = Page(browser, export_page(NETWORKS, tmp_path / 'a.html'))
        compare(there.page, NETWORKS, IMAGES[1000:1040], '40 pictures')
        there.draw()  # a reason, or none, for each
        there.answers('deep')
        assert there.page.locator('.uth-ladder section').count() == len(NETWORKS) and not there.wrong
        assert [row.count() for row in (there.page.locator(f'section:has(h2:text-is("{name}")) tbody tr') for name in ('lesson 04', 'linear'))] == [2, 10]
        there.context.close()

    def test_the_courses_drawings_become_the_same_pictures(self, there):
        drawings = course_drawings()
        expected = torch.stack([_prepared(d['strokes'], d['width']) for d in drawings])
        found = there.page.evaluate("all => all.map(d => [...digitsUth.prepareStrokes(d.strokes, d.width)])", drawings)
        found = torch.tensor(found, dtype=torch.uint8).view(-1, 28, 28)
        apart = (found.int() - expected.int()).abs().amax((1, 2))
        tell(f'page: drawings: {(apart == 0).sum()} of {len(apart)} exactly equal, largest difference {apart.max()}')
        assert apart.max() <= 2 and (apart == 0).sum() >= 48
        compare(there.page, ladder(), found, 'drawings')

    def test_photographs_become_the_same_pictures(self, there):
        apart = {}
        for number, kind in enumerate([*MADE] * 2):
            i = (LABELS == number % 10).nonzero()[number].item()
            picture = photo(IMAGES[i], np.random.default_rng(number), **MADE[kind])
            there.file(f'{number}.png', png(picture))
            there.says(f'Read from {number}.png.')
            apart[number] = (torch.tensor(there.preview) - prepare(picture).flatten().int()).abs().max().item()
        tell(f'page: photographs: {sum(v == 0 for v in apart.values())} of {len(apart)} exactly equal, largest difference {max(apart.values())}')
        assert max(apart.values()) <= 2, apart

    @pytest.mark.parametrize('name', ['large', 'wide', 'colours', 'ink on nothing', 'light ink on nothing', 'on its side'])
    def test_files_of_other_kinds(self, there, name):
        colours = np.stack([PLAIN, PLAIN // 2 + 90, 255 - PLAIN // 3], -1)
        picture = {'large': GREY.resize((2600, 3100)), 'wide': GREY.resize((3000, 900)), 'colours': Image.fromarray(colours), 'on its side': turned(GREY),
                   'ink on nothing': Image.merge('LA', (Image.new('L', GREY.size, 0), INK)), 'light ink on nothing': Image.merge('LA', (Image.new('L', GREY.size, 255), INK))}[name]
        if name == 'on its side':
            exif = Image.Exif()
            exif[0x0112] = 6
            file = io.BytesIO()
            picture.save(file, 'PNG', exif=exif)
            there.file('a.png', file.getvalue())
        else:
            there.file('a.png', png(picture))
        there.says('Read from a.png. Undo takes it away.')
        assert np.abs(np.array(there.preview) - prepare(picture).flatten().numpy()).max() <= 2
        there.answers()
        there.click('Undo')
        there.summary.filter(has_text='Draw a digit').wait_for()
        assert not any(there.preview) and there.page.locator('.uth-ladder-view canvas').count() == 0

    @pytest.mark.parametrize('case', ['too small', 'ink too small', 'transparent', 'empty page', 'faint', 'full', 'two', 'one over the other'])
    def test_refusals_are_in_pythons_words(self, there, case):
        picture = {'too small': PLAIN[:7], 'ink too small': FAR, 'transparent': Image.new('RGBA', (50, 50)), 'empty page': page_of(220), 'full': FULL,
                   'faint': seven(paper=200, ink=190), 'two': halves(), 'one over the other': np.vstack([seven(), seven()])}[case]
        there.draw()
        there.answers()
        there.file('a.png', png(picture))
        there.says(refusal(picture))
        assert any(there.preview) and '3' in there.summary.text_content()  # what was there stays

    def test_a_file_that_is_no_picture(self, there):
        there.file('notes.txt', b'no picture')
        there.says('The program expects a picture, got notes.txt, which this browser can’t show; save it as PNG or JPEG.')

    def test_drawn_with_the_mouse_shown_undone_and_refused(self, there):
        assert 'Draw a digit, and each of 4 models' in there.summary.text_content() and not there.page.locator('.uth-ladder section').first.is_visible()
        there.draw()
        there.answers()
        assert re.fullmatch(r'Nearest ideal: \d\. Linear: \d\. Two layers: \d\. Convolutions: 3\.', there.summary.text_content())
        assert there.page.get_by_role('heading', name='Convolutions').is_visible() and there.summary.get_attribute('aria-live') == 'polite'
        said = [text.text_content() for text in there.page.locator('.uth-ladder-said').all()]
        assert re.fullmatch(r'nearest to the \d, distance \.\d\d, next the \d with \.\d\d', said[0]) and all(re.fullmatch(r'says \d, with (more than )?\.\d\d', s) for s in said[1:])
        assert there.page.get_by_role('button', name='Keep').count() == 0 == there.page.get_by_role('combobox').count()
        strokes = there.page.evaluate("() => document.querySelector('.uth-pad-status').textContent")
        there.draw([(.95, .1), (.95, .9)])
        there.summary.filter(has_text='No picture, so no answer').wait_for()
        there.says('The program expects one digit, got 2 pieces')
        there.click('Undo')
        there.says(f'Undone. {strokes}')
        there.answers()
        there.click('Clear')
        there.summary.filter(has_text='Draw a digit').wait_for()
        for digit, drawing in enumerate(sorted(course_drawings(), key=lambda d: d['hand'])[:3]):
            there.click('Show me one')
            there.says(f'A {digit} drawn for the course: {drawing["note"]}.')
            there.summary.filter(has_text=f'Convolutions: {digit}.').wait_for()

    def test_by_finger(self, browser, digits):
        there = Page(browser, digits, viewport={'width': 360, 'height': 740}, has_touch=True, is_mobile=True)
        there.paper.scroll_into_view_if_needed()
        touch = there.context.new_cdp_session(there.page).send
        points = [there.place(*point) for point in [(.5, .85), (.5, .6), (.5, .4), (.5, .15)]]
        for kind, point in [('touchStart', points[0]), *[('touchMove', point) for point in points[1:]]]:
            touch('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': [{'x': point[0], 'y': point[1]}]})
        touch('Input.dispatchTouchEvent', {'type': 'touchEnd', 'touchPoints': []})
        there.answers()
        assert 'Convolutions: 1.' in there.summary.text_content()
        assert there.page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360]
        take_picture(there.page, 'page_phone')
        assert not there.wrong
        there.context.close()

    def test_by_keyboard_alone(self, there):
        press = there.page.keyboard.press
        # told only together with the key, the browser may hear the key first, and would open a window of its own that nobody sees
        there.page.on('filechooser', lambda _: None)
        names = []
        for _ in range(7):
            press('Tab')
            names.append(there.page.evaluate('document.activeElement.ariaLabel || document.activeElement.textContent'))
        assert names == ['Paper to draw a digit on. 0 strokes drawn.', 'Undo', 'Clear', 'Thinner', 'Thicker', 'Show me one', 'Read a photograph']
        with there.page.expect_file_chooser():
            press('Enter')
        there.paper.focus()
        for key in ['Shift+ArrowUp', 'Space', *['Shift+ArrowDown'] * 6, 'Space']: press(key)
        there.answers()
        assert 'Convolutions: 1.' in there.summary.text_content()
        press('Delete')
        there.summary.filter(has_text='Draw a digit').wait_for()

    def test_from_the_stroke_to_the_answer(self, there):
        there.page.evaluate("""() => { window.times = []; let up = 0;
          document.querySelector('.uth-pad-paper').addEventListener('pointerup', () => { up = performance.now() }, true);
          new MutationObserver(() => { if (up) { times.push(performance.now() - up); up = 0; } })
            .observe(document.querySelector('.uth-ladder'), {attributes: true, attributeFilter: ['data-looks']}) }""")
        for _ in range(12):
            there.click('Clear')
            there.draw()
            there.answers()
            there.page.wait_for_timeout(100)
        times = sorted(there.page.evaluate('times'))
        tell(f'page: from the stroke to the answers of four models: {times[0]:.0f} to {times[-1]:.0f} ms, median {times[len(times) // 2]:.0f}')
        assert len(times) == 12 and times[6] < 2000

    @pytest.mark.parametrize('scheme', ['light', 'dark'])
    @pytest.mark.parametrize('width', [1180, 360])
    def test_axe_finds_nothing(self, browser, digits, scheme, width):
        from axe_playwright_python.sync_playwright import Axe
        there = Page(browser, digits, color_scheme=scheme, viewport={'width': width, 'height': 900})
        there.page.add_script_tag(content=Axe().axe_script)  # what the policy allows; it forbids eval
        for drawn in (False, True):
            if drawn:
                there.draw()
                there.answers()
                there.file('a.png', png(GREY))
                there.says('Read from')
                there.answers()
            found = there.page.evaluate("""async () => { const {violations, incomplete, passes} = await axe.run(document), words = rules => rules.flatMap(r => r.nodes.map(n => r.id + n.html));
              return {violations: words(violations), incomplete: words(incomplete), passes: passes.map(r => r.id)} }""")
            assert not found['violations'] and not found['incomplete'], found
            assert {'color-contrast', 'button-name', 'html-has-lang', 'landmark-one-main', 'page-has-heading-one', 'heading-order'} <= {*found['passes']}
        assert there.page.evaluate('document.documentElement.scrollWidth') == width
        take_picture(there.page, f'page_{scheme}_{width}')
        there.context.close()

    def test_a_name_is_nothing_but_text(self, browser, tmp_path):
        name = '</script><b onclick=x>&"\' <!--<script>' + 'W' * 80
        there = Page(browser, export_page({name: nn.Linear(784, 10)}, tmp_path / 'a.html'), viewport={'width': 360, 'height': 700})
        there.draw()
        there.summary.filter(has_text=name).wait_for()
        assert there.page.locator('h2').text_content() == name and there.page.locator('b').count() == 0 and not there.wrong
        assert there.page.evaluate('document.documentElement.scrollWidth') == 360
        there.context.close()


CELL = """from torch import nn
from digits_uth.cnn import digit_cnn
from digits_uth.page import Ladder
ladder = Ladder({'Linear': nn.Linear(784, 10), 'Convolutions': digit_cnn(pretrained=True)})
ladder"""


@pytest.fixture(scope='module')
def lab(tmp_path_factory, site):
    folder = tmp_path_factory.mktemp('lab')
    write_notebook(folder / 'copies' / 'ladder.ipynb', 'A ladder', CELL)
    with serve(folder, folder / 'copies', site) as address:
        yield address


class TestInJupyterLab:
    pytestmark = in_a_browser

    def test_it_draws_and_answers_while_the_kernel_is_busy_light_and_dark(self, lab, page):
        page.set_viewport_size({'width': 1400, 'height': 2400})  # with nothing of the ladder under JupyterLab's own bars
        open_notebook(lab.format('ladder'), page)
        run_all(page)
        hand = Hand(page)
        hand.paper.wait_for()
        cells = page.locator('.jp-Cell').count()
        run_code(page, 'import time; time.sleep(60)', wait=False)  # nobody waits for its end
        status = '() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status'
        page.wait_for_function(f"({status})() === 'busy'")  # on a busy machine the kernel may be slow to begin, and to tell
        hand.draw()
        page.locator('.uth-ladder-summary').filter(has_text='Convolutions: 3.').wait_for(timeout=10_000)
        assert page.evaluate(status) == 'busy'
        for name in ('Undo', 'Read a photograph'):
            page.get_by_role('button', name=name).focus()
            for key in ('b', 'a', 'x'): page.keyboard.press(key)
        assert page.locator('.jp-Cell').count() == cells
        page.add_style_tag(content='body { overflow: visible !important }')  # else axe takes nothing for visible
        for theme in ('JupyterLab Light', 'JupyterLab Dark'):
            choose_theme(page, theme)
            for _ in range(10):
                found = axe(page, '.uth-ladder')
                if found['violations'] or not found['incomplete']: break
                page.wait_for_timeout(500)
            assert not found['violations'] and not found['incomplete'], (theme, found)
            take_picture(page, f'ladder_{theme.split()[1]}')


@pytest.mark.slow
def test_the_wheel_carries_the_pages_files(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {f'digits_uth/assets/{name}' for name in ('page.html', 'page.css', 'page.js', 'layers.js', 'prepare.js', 'pad.js', 'widget.css')} <= {*names}
