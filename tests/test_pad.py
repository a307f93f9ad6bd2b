"""The pad in a real browser: by mouse, finger and keyboard, while the kernel is busy, after a reload, light and dark.

Times are printed where TIMES names a file: from the pointer to the ink, and from the stroke to the picture.
"""
import ast
import time

import numpy as np
import pytest
from conftest import CHROMIUM, tell
from browser import THREE, Hand, axe, choose_theme, open_notebook, run_all, run_code, serve, take_picture, write_notebook

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('browser'), pytest.mark.skipif(CHROMIUM is None, reason='no Chromium was found: the pad was not tried in a browser')]

CELLS = ['from digits_uth.drawing import Pad, keep, my_digits\npad = Pad(3)\npad', '2 + 2']

# End the kernels of earlier tests: each has PyTorch in memory.
ALONE = """async () => {
  const {kernels} = jupyterapp.serviceManager, {sessionContext} = jupyterapp.shell.currentWidget;
  await sessionContext.ready;
  await kernels.refreshRunning();
  for (const {id} of [...kernels.running()]) if (id !== sessionContext.session.kernel.id) await kernels.shutdown(id) }"""
INK = """([x, y]) => { const paper = document.querySelector('.uth-pad-paper'), k = paper.width;
  return paper.getContext('2d').getImageData(x * k, y * k, 1, 1).data[0] }"""
PREVIEW = """number => [...document.querySelectorAll('.uth-pad-preview')[number].getContext('2d').getImageData(0, 0, 28, 28).data]
  .filter((_, i) => i % 4 === 0).map(v => 255 - v)"""


@pytest.fixture(scope='module')
def lab(tmp_path_factory, site):
    folder = tmp_path_factory.mktemp('lab')
    copies = folder / 'copies'
    copies.mkdir()
    with serve(folder, copies, site) as address:
        yield address, copies


class Notebook(Hand):
    "A notebook with a pad, in a page of the browser."
    def __init__(self, lab, page, name, cells=CELLS):
        address, copies = lab
        self.page, self.address, self.folder = page, address.format(f'{name}/pad'), copies / name
        page.set_default_timeout(60_000)
        write_notebook(self.folder / 'pad.ipynb', 'A pad', *cells)
        open_notebook(self.address, page)
        page.evaluate(ALONE)
        run_all(page)
        self.paper.wait_for()

    status = property(lambda self: self.page.locator('.uth-pad-status').first)

    def click(self, name): self.page.get_by_role('button', name=name, exact=True).first.click()

    def run(self, code, wait=True):
        if wait:
            self.answered()  # the pad's messages may be another thread's than the cells'
        return run_code(self.page, code, wait)

    def ink(self, x, y): return self.page.evaluate(INK, [x, y]) < 100
    def preview(self, number=0): return self.page.evaluate(PREVIEW, number)

    def says(self, text):
        self.page.wait_for_function("text => document.querySelector('.uth-pad-status')?.textContent.includes(text)", arg=text)

    def answered(self):
        self.page.wait_for_function("() => document.querySelector('.uth-pad-preview').ariaBusy === 'false'")

    def picture(self):
        return [int(v) for v in self.run('print(*pad.picture.flatten().tolist())').split()]

    def is_picture(self, number=0):
        "Once the kernel has answered, what is seen is what Python has."
        expected = self.picture()
        assert len(expected) == 784 and any(expected)
        self.page.wait_for_function(f'expected => JSON.stringify(({PREVIEW})({number})) === JSON.stringify(expected)', arg=expected)
        return expected


def test_by_mouse_drawn_kept_and_taken_back(lab, page):
    nb = Notebook(lab, page, 'mouse')
    assert 'Nothing is drawn.' in nb.status.text_content()
    assert 'this 3 was drawn for the course' in nb.run('print(pad.picture.sum().item() > 0)')
    nb.click('Keep')
    nb.says('Draw something first')
    nb.draw()
    nb.says('Drawn: 1 stroke.')
    drawn = nb.is_picture()
    points = ast.literal_eval(nb.run('print(pad.strokes)'))[0]
    assert len(points) > 10 and [round(v, 2) for v in points[0]] == [.3, .2, 0] and all(abs(a - b) < .02 for a, b in zip(points[-1], (.3, .85), strict=False))
    assert nb.ink(.45, .2) and not nb.ink(.45, .3)
    take_picture(page, 'pad_drawn')

    nb.draw([(.1, .1), (.15, .15)])
    nb.says('Drawn: 2 strokes.')
    nb.click('Undo')
    nb.says('Undone. Drawn: 1 stroke.')
    assert nb.is_picture() == drawn
    nb.click('Thicker')
    nb.says('thicker')
    assert sum(nb.is_picture()) != sum(drawn) and float(nb.run('print(pad.width)')) > .07
    for _ in range(12):
        nb.click('Thinner')
    nb.says('This is the thinnest pen.')
    assert float(nb.run('print(pad.width)')) == .03

    nb.click('Keep')
    nb.says('Kept as a 3: you have 1 three.')
    with np.load(nb.folder / 'my_digits.npz') as kept:
        assert kept['labels'].tolist() == [3] and kept['images'].flatten().tolist() == nb.picture()
    nb.click('Keep')
    nb.says('It is kept already')
    page.get_by_role('combobox', name='Keep it as which digit').select_option('8')
    nb.click('Keep')
    nb.says('Kept as an 8: you have 1 eight.')
    nb.click('Take back')
    nb.says('Taken back: you have 0 eights.')
    assert nb.run('print(my_digits([3])[1].tolist())') == '[3]\n'

    nb.click('Clear')
    nb.says('Cleared.')
    nb.run('pass')
    assert not any(nb.preview()) and nb.run('print(pad.strokes)') == '[]\n'
    nb.click('Undo')
    nb.says('Undone. Drawn: 1 stroke.')
    nb.is_picture()
    nb.draw([(.9, .1), (.9, .9)])
    nb.says('The program expects one digit, got')  # a refusal, in words
    assert not any(nb.preview()) and 'ValueError: picture: expected one digit' in nb.run('pad.picture')


def test_by_finger_and_the_page_does_not_scroll(lab, browser):
    context = browser.new_context(viewport={'width': 500, 'height': 700}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    nb = Notebook(lab, page, 'touch', [*CELLS, *['1'] * 20])
    nb.paper.scroll_into_view_if_needed()
    scrolled = "() => document.querySelector('.jp-WindowedPanel-outer').scrollTop"
    before, touch = page.evaluate(scrolled), context.new_cdp_session(page).send
    points = [nb.place(*point) for point in [(.5, .8), (.5, .6), (.5, .4), (.5, .15)]]
    for kind, point in [('touchStart', points[0]), *[('touchMove', point) for point in points[1:]]]:
        touch('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': [{'x': point[0], 'y': point[1]}]})
    touch('Input.dispatchTouchEvent', {'type': 'touchEnd', 'touchPoints': []})
    nb.says('Drawn: 1 stroke.')
    nb.is_picture()
    assert nb.ink(.5, .5) and page.evaluate(scrolled) == before
    page.mouse.move(*nb.place(.5, .5))
    page.mouse.wheel(0, 200)  # which does scroll
    page.wait_for_function(f'before => ({scrolled})() > before', arg=before)
    take_picture(page, 'pad_narrow')
    context.close()


def test_by_keyboard_alone(lab, page):
    nb = Notebook(lab, page, 'keyboard')
    press = page.keyboard.press
    nb.paper.focus()
    for key in ['Shift+ArrowUp', 'Space', *['Shift+ArrowDown'] * 5, 'ArrowRight']:
        press(key)
    nb.says('Pen down: 52 across, 70 down.')
    take_picture(page, 'pad_keyboard')
    press('Enter')
    nb.says('Pen up: 52 across, 70 down. Drawn: 1 stroke.')
    expected = nb.is_picture()
    assert nb.ink(.5, .5)
    for key in ('Space', 'ArrowRight', 'Shift+ArrowRight', 'Escape'):
        press(key)
    nb.says('Drawn: 2 strokes.')
    press('Control+z')
    nb.says('Undone. Drawn: 1 stroke.')
    assert nb.is_picture() == expected
    for key in ('Space', 'Shift+ArrowRight', 'Backspace'):  # the one begun
        press(key)
    nb.says('The stroke is undone. Drawn: 1 stroke.')
    press('Delete')
    nb.says('Cleared.')
    press('Backspace')
    nb.says('Undone. Drawn: 1 stroke.')
    assert nb.is_picture() == expected
    cells = page.evaluate('() => jupyterapp.shell.currentWidget.content.widgets.length')
    for key in ('b', 'a', 'd', 'd', 'x'):  # JupyterLab's shortcuts for cells
        press(key)
    seen = []
    for _ in range(8):
        press('Tab')
        seen.append(page.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e);
          return [e.closest('.uth-pad') !== null, e.ariaLabel || e.textContent, parseFloat(s.outlineWidth) >= 2 && s.outlineStyle] }"""))
    assert [name for _, name, _ in seen] == ['Undo', 'Clear', 'Thinner', 'Thicker', 'Show me one', 'Keep', 'Keep it as which digit', 'Take back']
    assert all(inside and outline == 'solid' for inside, _, outline in seen)
    press('Shift+Tab')
    press('7')  # chooses in the list, and makes no heading of the cell
    press('Shift+Tab')
    press('Enter')
    nb.says('Kept as a 7: you have 1 seven.')
    press('Space')
    nb.says('It is kept already, as a 7.')
    assert page.evaluate('() => jupyterapp.shell.currentWidget.content.widgets.length') == cells


@pytest.mark.parametrize('subshells', ['disabled', 'perCommTarget'])
def test_while_the_kernel_is_busy_the_ink_is_there_at_once_and_the_picture_at_the_latest_afterwards(lab, page, subshells):
    "With subshells, which JupyterLab has from 4.4 on and ipykernel from 7 on, the kernel answers a widget while a cell runs."
    nb = Notebook(lab, page, f'busy_{subshells}')
    kernel = 'jupyterapp.shell.currentWidget.sessionContext.session.kernel'
    has = page.evaluate(f"how => {{ const k = {kernel}; if ('commsOverSubshells' in k) k.commsOverSubshells = how; return 'commsOverSubshells' in k && k.supportsSubshells }}", subshells)
    page.wait_for_timeout(500)
    nb.draw()
    nb.is_picture()
    nb.click('Clear')
    nb.run('pass')
    nb.run('import time; time.sleep(5); done = time.time()', wait=False)
    start = time.monotonic()
    nb.draw(THREE[:4])
    assert nb.ink(.45, .2) and nb.ink(.6, .425)
    nb.draw(THREE[3:])
    assert nb.ink(.45, .85) and time.monotonic() - start < 4
    nb.says('Drawn: 2 strokes.')
    if subshells == 'disabled' or not has:
        page.wait_for_function("() => document.querySelector('.uth-pad-caption').textContent === 'Waiting for the kernel'")
        take_picture(page, 'pad_waiting')
        assert run_code(page, 'print(len(pad.strokes))') == '2\n'  # what is run now comes after both strokes
    else:
        nb.answered()
        assert any(nb.preview()) and time.monotonic() - start < 4.5
    nb.is_picture()
    assert nb.ink(.45, .2) and nb.ink(.45, .85)


def test_a_reload_restores_the_drawing_and_two_views_are_equal(lab, page):
    nb = Notebook(lab, page, 'reload', [*CELLS[:1], 'pad'])
    assert page.locator('.uth-pad').count() == 2
    nb.draw()
    nb.says('Drawn: 1 stroke.')
    assert nb.is_picture(0) == nb.is_picture(1)
    assert page.locator('.uth-pad-status').nth(1).text_content() == 'Drawn: 1 stroke.'
    equal = "() => { const [a, b] = [...document.querySelectorAll('.uth-pad-paper')].map(c => c.toDataURL()); return a === b }"
    page.wait_for_function(equal)
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.goto(nb.address.replace('&reset', ''))
    page.wait_for_function('window.jupyterapp?.shell?.currentWidget?.context?.isReady')
    nb.says('Drawn: 1 stroke.')
    nb.is_picture(0)
    nb.is_picture(1)
    assert nb.ink(.45, .2)
    nb.click('Undo')
    nb.says('Nothing is drawn.')
    page.wait_for_function(equal)
    assert nb.run('pad.strokes = [[[.5, .2], [.5, .8]]]') == ''  # from Python
    nb.says('Drawn: 1 stroke.')
    nb.is_picture()
    assert nb.ink(.5, .5)


@pytest.mark.parametrize('motion', ['no-preference', 'reduce'])
def test_show_me_one_plays_a_drawing_and_another_at_each_press(lab, browser, motion):
    page = browser.new_page(viewport={'width': 1200, 'height': 900}, reduced_motion=motion)
    page.set_default_timeout(60_000)
    nb = Notebook(lab, page, f'show_{motion}')
    inked = "() => { const p = document.querySelector('.uth-pad-paper'); const d = p.getContext('2d').getImageData(0, 0, p.width, p.height).data; let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] < 100; return n }"
    nb.draw([(.5, .2), (.5, .8)])
    nb.answered()
    nb.click('Show me one')
    nb.says('A 3 drawn for the course')
    first, amounts = nb.status.text_content(), [page.evaluate(inked)]
    for _ in range(12):
        page.wait_for_timeout(300)
        amounts.append(page.evaluate(inked))
    if motion == 'reduce':
        assert len(set(amounts)) == 1
    else:
        assert amounts[0] < .5 * amounts[-1] and amounts == sorted(amounts) and len(set(amounts)) > 3
    nb.is_picture()
    nb.click('Show me one')
    page.wait_for_function("first => document.querySelector('.uth-pad-status').textContent !== first", arg=first)
    nb.says('A 3 drawn for the course')
    nb.click('Undo')
    nb.click('Undo')
    nb.says('Drawn: 1 stroke.')
    nb.is_picture()
    assert nb.ink(.5, .5) and not nb.ink(.3, .5)
    page.close()


def test_the_pad_has_names_and_axe_finds_nothing_light_and_dark(lab, page):
    nb = Notebook(lab, page, 'axe')
    nb.draw()
    nb.is_picture()
    paper = page.get_by_role('application', name='Paper to draw a 3 on. 1 stroke drawn.')
    assert paper.count() == 1
    described = page.evaluate("() => document.getElementById(document.querySelector('.uth-pad-paper').getAttribute('aria-describedby')).textContent")
    assert 'arrow keys' in described and 'Space' in described
    assert page.get_by_role('img', name='What the program gets: your drawing in 28 × 28 pixels').count() == 1
    assert page.get_by_role('group', name='Draw a 3').count() == 1 and page.get_by_role('status').filter(has_text='Drawn').count() == 1
    page.add_style_tag(content='body { overflow: visible !important }')  # else axe takes nothing for visible
    for theme in ('JupyterLab Light', 'JupyterLab Dark'):
        choose_theme(page, theme)
        for _ in range(10):  # the page may still be changing, and axe is then not sure
            found = axe(page, '.uth-pad')
            if found['violations'] or not found['incomplete']:
                break
            page.wait_for_timeout(500)
        assert not found['violations'] and not found['incomplete'], (theme, found)
        assert {'color-contrast', 'button-name', 'select-name', 'role-img-alt'} <= set(found['passes'])
        take_picture(page, f'pad_{theme.split()[1]}')


def test_ink_and_picture_come_fast(lab, page):
    "Seconds are recorded, never asserted."
    nb = Notebook(lab, page, 'times')
    page.evaluate("""() => { const paper = document.querySelector('.uth-pad-paper'), preview = document.querySelector('.uth-pad-preview');
      window.times = {ink: [], preview: []};
      paper.addEventListener('pointermove', e => { if (e.buttons) requestAnimationFrame(() => times.ink.push(performance.now() - e.timeStamp)) });
      paper.addEventListener('pointerup', e => { window.up = performance.now() });
      new MutationObserver(() => { if (window.up) times.preview.push(performance.now() - window.up); window.up = 0 })
        .observe(preview, {attributes: true, attributeFilter: ['aria-label']}) }""")
    for i in range(5):
        nb.draw([(x, y * (1 - .05 * i)) for x, y in THREE])
        nb.answered()
        nb.is_picture()
        nb.click('Clear')
        nb.answered()
        page.evaluate('() => { window.up = 0 }')
    times = page.evaluate('() => times')
    assert len(times['ink']) > 50 and len(times['preview']) == 5
    for name, t in times.items(): tell(f'pad, {name}: median {np.median(t):.0f} ms, most {max(t):.0f} ms, n {len(t)}')


def test_run_twice_there_is_a_new_pad_that_works(lab, page):
    nb = Notebook(lab, page, 'twice')
    nb.draw()
    nb.is_picture()
    run_all(page)
    nb.says('Nothing is drawn.')
    nb.draw(THREE[:5])
    nb.says('Drawn: 1 stroke.')
    nb.is_picture()
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
