"""The learners' copies in a real JupyterLab in a real browser: Run All, its figures and their words, light and dark.

Each lies alone in a folder, beside an installed wheel and without a network, so that a run proves that one notebook works alone.
Where there is no browser, test_lessons.py proves that. Of a lesson its core is run, unless LONG is set: then all of it, and all other notebooks.
"""
import base64
import html
import io
import re
from contextlib import nullcontext, suppress

import notebooks as tools
import pytest
from conftest import CHROMIUM, LONG, core_of, in_long_runs, write_alone
from browser import choose_theme, open_notebook, run_all, serve, take_picture
from PIL import Image
from test_notebooks import LESSONS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('browser'), pytest.mark.skipif(CHROMIUM is None, reason='no Chromium was found: the lessons were not run in a browser')]
NAMES = [path.stem for path in tools.notebooks() if path.stem not in tools.NOT_FOR_LEARNERS]

# Without those inside widgets, which are another test's.
FIGURES = """() => [...document.querySelectorAll('.jp-OutputArea-output img')].filter(i => !i.closest('.jupyter-widgets')).map(i => (
  {alt: i.alt, shown: i.complete && i.naturalWidth > 0 && i.getBoundingClientRect().width > 0, src: i.src}))"""

# axe on every output, not on the first one alone, which is what a selector for its context gives.
CONTRAST = """async script => {
  if (!window.axe) (0, eval)(script);
  const include = [...document.querySelectorAll('.jp-OutputArea-output')];
  if (!include.length) return {violations: [], cells_seen: 0};
  const found = await axe.run({include}, {runOnly: ['color-contrast', 'image-alt'], elementRef: true});
  const seen = [...found.passes, ...found.incomplete].flatMap(rule => rule.nodes);
  return {violations: found.violations.flatMap(rule => rule.nodes.map(node => node.html + ': ' + node.failureSummary)),
          cells_seen: seen.filter(node => node.element.matches('td, th')).length}
}"""


@pytest.fixture(scope='module')
def lab(tmp_path_factory, fastai_home, site):
    "The address of a JupyterLab that keeps all its files to itself, over fresh copies of the lessons, each in a folder of its own."
    from digits_uth.data import mnist_sample
    mnist_sample()
    folder = tmp_path_factory.mktemp('lab')
    copies = folder / 'copies'
    for name in NAMES:
        write_alone(name, copies / name, site, core=not LONG)
    with serve(folder, copies, site) as address:
        yield address.replace('{}', '{0}/{0}')


def cells_run(name):
    cells = tools.read(tools.NBS / f'{name}.ipynb').cells
    return cells if LONG else core_of(cells)


def stored_words(name):
    "The words of the figures in a notebook's stored outputs, without those of hidden cells."
    cells = [c for c in cells_run(name) if c.cell_type == 'code' and 'hide' not in tools.directives(c)]
    shown = [output.get('data', {}).get('text/html', '') for c in cells for output in c.outputs]
    return [html.unescape(text) for text in re.findall(r'<img alt="([^"]*)"', ''.join(shown))]


def show_whole(page):
    "A window so high that nothing has to be scrolled to: what is out of sight, axe passes over."
    for _ in range(20):  # outputs may still be growing
        height = page.evaluate("Math.max(...[...document.querySelectorAll('.jp-WindowedPanel-outer')].map(panel => panel.scrollHeight))")
        page.set_viewport_size({'width': 1400, 'height': height + 200})
        if page.evaluate("""() => {
                jupyterapp.shell.currentWidget.content.activeCellIndex = 0;
                document.querySelectorAll('.jp-WindowedPanel-outer').forEach(panel => { panel.scrollTop = 0 });
                const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')].map(cell => cell.getBoundingClientRect());
                return cells[0].top >= 0 && cells.at(-1).bottom <= window.innerHeight }"""):
            return
        page.wait_for_timeout(500)
    raise AssertionError('some cells stay out of sight')


WITH_SLIDERS = [name for name in NAMES if any('interact(' in cell.source for cell in cells_run(name)
                                                if cell.cell_type == 'code' and 'hide' not in tools.directives(cell))]
# What is seen beside a slider's handle: the pictures and their words, and what went wrong.
BESIDE = """number => {
  const box = document.querySelectorAll('.jupyter-widgets .noUi-handle')[number].closest('.widget-interact');
  return {pictures: [...box.querySelectorAll('img')].map(i => i.src), words: [...box.querySelectorAll('img')].map(i => i.alt),
          errors: [...box.querySelectorAll('[data-mime-type="application/vnd.jupyter.stderr"]')].map(e => e.textContent)} }"""


def move_each_slider(page):
    "By keyboard: each changes its picture and its words."
    from playwright.sync_api import TimeoutError
    handles = page.locator('.jupyter-widgets .noUi-handle')
    handles.first.wait_for()
    for number in range(handles.count()):
        page.wait_for_function(f'number => ({BESIDE})(number).pictures.length', arg=number)
        page.wait_for_timeout(500)  # it may still be drawn for the first time
        handle, before = handles.nth(number), page.evaluate(BESIDE, number)
        at_end = handle.get_attribute('aria-valuenow') == handle.get_attribute('aria-valuemax')
        for may_be_lost in (True, True, False):  # now and then ipykernel 7 sleeps on a message until the next one comes
            handle.focus()
            page.keyboard.press('ArrowLeft' if at_end else 'ArrowRight')
            with suppress(TimeoutError) if may_be_lost else nullcontext():
                page.wait_for_function(f"""([number, before]) => {{
                    const now = ({BESIDE})(number);
                    return now.pictures.length && ['pictures', 'words'].every(what => JSON.stringify(now[what]) !== JSON.stringify(before[what])) }}""",
                    arg=[number, before], timeout=20_000)
                break
        assert not page.evaluate(BESIDE, number)['errors']


def test_the_words_beside_the_learning_rate_of_lesson_03_follow_it(lab, page):
    open_notebook(lab.format('03_sgd'), page)
    run_all(page)
    box = page.locator('.widget-interact').filter(has=page.locator('img[alt^="Ten steps on the parabola"]'))
    picture, handle = box.locator('img'), box.locator('.noUi-handle')
    assert handle.count() == picture.count() == 1
    assert picture.get_attribute('alt') == 'Ten steps on the parabola with learning rate 0.10: each multiplies w by 0.80.'
    for key, text in (('ArrowRight', 'rate 0.12: each multiplies w by 0.76.'), ('End', 'rate 1.10: each multiplies w by -1.20.')):
        before = picture.get_attribute('src')
        handle.focus()
        page.keyboard.press(key)
        box.locator(f'img[alt$="{text}"]').wait_for()
        assert picture.get_attribute('src') != before
    assert box.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0


@pytest.mark.parametrize('name', [pytest.param(name, marks=[] if name in LESSONS else in_long_runs) for name in NAMES])
def test_a_lesson_in_jupyterlab(name, lab, page):
    from axe_playwright_python.sync_playwright import Axe
    open_notebook(lab.format(name), page)
    run_all(page)
    assert page.locator('.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    page.wait_for_function(f"({FIGURES})().length >= {len(stored_words(name))}")

    figures = page.evaluate(FIGURES)
    assert [figure['alt'] for figure in figures] == stored_words(name)
    for figure in figures:
        assert figure['shown']
        picture = Image.open(io.BytesIO(base64.b64decode(figure['src'].split(',')[1]))).convert('RGBA')
        assert picture.getextrema()[3] == (255, 255) and picture.getpixel((0, 0)) == (255, 255, 255, 255)  # opaque and white
    if name in WITH_SLIDERS:
        move_each_slider(page)
    page.add_style_tag(content='body { overflow: visible !important }')  # else axe takes nothing for visible
    cells = page.locator('.jp-OutputArea-output :is(td, th)').filter(has_text=re.compile(r'\S')).count()  # axe leaves out empty ones
    for theme in ('JupyterLab Light', 'JupyterLab Dark'):
        choose_theme(page, theme)
        for _ in range(10):  # on a busy machine the page may still be changing, and axe then sees nothing of it
            show_whole(page)
            result = page.evaluate(CONTRAST, Axe().axe_script)
            if result['violations'] or result['cells_seen'] >= cells:
                break
            page.wait_for_timeout(500)
        assert not result['violations'], (theme, result['violations'])
        assert result['cells_seen'] >= cells, f'axe passed over a table: it saw {result["cells_seen"]} of {cells} cells'
        take_picture(page, f'{name}_{theme.split()[1]}')


def test_the_contrast_check_can_fail(lab, page):
    "Pale yellow behind the theme's own text, as in many tables on the web, is legible in light and not in dark."
    from axe_playwright_python.sync_playwright import Axe
    open_notebook(lab.format('glossary'), page)
    page.add_style_tag(content='body { overflow: visible !important }')
    choose_theme(page, 'JupyterLab Dark')
    for _ in range(10):  # on a busy machine the text is still being rendered: its new rendering throws ours out
        page.evaluate("""() => document.querySelector('#pale') || document.querySelector('.jp-RenderedMarkdown').insertAdjacentHTML(
            'afterbegin', '<p id="pale" class="jp-OutputArea-output" style="background: lightyellow">legible?</p>')""")
        if violations := page.evaluate(CONTRAST, Axe().axe_script)['violations']:
            break
        page.wait_for_timeout(500)
    assert len(violations) == 1 and 'insufficient color contrast' in violations[0]
