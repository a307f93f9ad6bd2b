"""Every learner's copy in a real JupyterLab in a real browser: Run All, its figures and their words, light and dark.

Each lies alone in a folder, beside an installed wheel and without a network, so that a run proves that one notebook works alone.
Where there is no browser, test_lessons.py proves that.
"""
import base64
import html
import io
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import notebooks as tools
import pytest
from PIL import Image
from conftest import CHROMIUM, ROOT, write_alone
from test_course import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('browser'), pytest.mark.skipif(CHROMIUM is None, reason='no Chromium was found: the lessons were not run in a browser')]
NAMES = [path.stem for path in tools.notebooks() if path.stem not in tools.NOT_FOR_LEARNERS]

# Await the command's own promise: the status light of the page is not to be trusted.
RUN_ALL = """async () => {
  const app = jupyterapp; await app.restored;
  const notebook = app.shell.currentWidget;
  await notebook.context.ready; await notebook.sessionContext.ready;
  const ok = await app.commands.execute('notebook:run-all-cells');
  const cells = notebook.content.model.sharedModel.cells.filter(c => c.cell_type === 'code');
  return {ok, counts: cells.map(c => c.execution_count),
          errors: cells.flatMap(c => c.outputs.filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue)),
          stderr: cells.flatMap(c => c.outputs.filter(o => o.name === 'stderr').map(o => o.text))}
}"""
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
        write_alone(name, copies / name, site)
    names = {'JUPYTER_CONFIG_DIR': 'config', 'JUPYTER_DATA_DIR': 'data', 'JUPYTER_RUNTIME_DIR': 'runtime', 'IPYTHONDIR': 'ipython',
             'JUPYTERLAB_SETTINGS_DIR': 'settings', 'JUPYTERLAB_WORKSPACES_DIR': 'workspaces'}
    environment = {**os.environ, **{variable: str(folder / name) for variable, name in names.items()}}
    environment.pop('MPLBACKEND', None)
    environment['PYTHONPATH'] = os.pathsep.join(map(str, (site, ROOT / 'tests' / 'offline')))
    for name, setting in {'apputils-extension/notification': {'fetchNews': 'false', 'checkForUpdates': False, 'doNotDisturbMode': True},
                          'notebook-extension/tracker': {'windowingMode': 'none', 'scrollPastEnd': False}}.items():
        file = folder / 'settings' / '@jupyterlab' / f'{name}.jupyterlab-settings'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(setting), encoding='utf-8')
    port, token = free_port(), 'secret'
    command = [sys.executable, '-m', 'jupyterlab', '--no-browser', '--ServerApp.ip=127.0.0.1', f'--ServerApp.port={port}',
               '--ServerApp.port_retries=0', f'--IdentityProvider.token={token}', f'--ServerApp.root_dir={copies}',
               '--LabApp.expose_app_in_browser=True', *(['--allow-root'] if hasattr(os, 'geteuid') and os.geteuid() == 0 else [])]
    with open(folder / 'log', 'w+', encoding='utf-8') as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            for _ in range(120):
                try:
                    urllib.request.urlopen(f'http://127.0.0.1:{port}/api/status?token={token}', timeout=5)
                    break
                except OSError:
                    assert server.poll() is None, log.seek(0) or log.read()
                    time.sleep(.5)
            yield f'http://127.0.0.1:{port}/doc/tree/{{0}}/{{0}}.ipynb?token={token}&reset'
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope='module')
def browser():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
                 '--disable-component-update', '--disable-sync']
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={'width': 1400, 'height': 1000})
    page.set_default_timeout(60_000)
    yield page
    page.close()


def stored_words(name):
    "The words of the figures in a notebook's stored outputs, without those of hidden cells."
    cells = [c for c in tools.read(tools.NBS / f'{name}.ipynb').cells if c.cell_type == 'code' and 'hide' not in tools.directives(c)]
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


def choose_theme(page, theme):
    "Switch, and wait until the text has the theme's colour: the name is there before the style sheet is."
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    page.wait_for_function("""theme => {
        const [r, g, b] = getComputedStyle(document.querySelector('.jp-RenderedMarkdown')).color.match(/[0-9.]+/g).map(Number);
        return document.body.dataset.jpThemeName === theme && (r + g + b > 3 * 128) === theme.endsWith('Dark') }""", arg=theme)


def take_picture(page, name):
    "For a person to look at: where SCREENSHOTS names a folder, the whole notebook goes there."
    if folder := os.environ.get('SCREENSHOTS'):
        page.screenshot(path=Path(folder) / f'{name}.png')


def open_lesson(name, lab, page):
    page.goto(lab.format(name))
    page.wait_for_function('window.jupyterapp?.shell?.currentWidget?.context?.isReady')


def run_all(page):
    result = page.evaluate(RUN_ALL)
    assert result['ok'] and not result['errors'] and not result['stderr'], result
    first = next(iter(result['counts']), 1)  # not 1 where the lesson was run before
    assert result['counts'] == list(range(first, first + len(result['counts'])))


def test_the_slider_of_lesson_03_moves_by_keyboard_and_changes_its_picture(lab, page):
    open_lesson('03_sgd', lab, page)
    run_all(page)
    picture = page.locator('.jupyter-widgets .jp-OutputArea-output img')
    handle = page.locator('.jupyter-widgets .noUi-handle')
    assert handle.count() == picture.count() == 1
    assert picture.get_attribute('alt') == 'Ten steps on the parabola with learning rate 0.10: each multiplies w by 0.80.'
    for key, text in (('ArrowRight', 'rate 0.12: each multiplies w by 0.76.'), ('End', 'rate 1.10: each multiplies w by -1.20.')):
        before = picture.get_attribute('src')
        handle.focus()
        page.keyboard.press(key)
        page.wait_for_function("text => document.querySelector('.jupyter-widgets .jp-OutputArea-output img')?.alt.endsWith(text)", arg=text)
        assert picture.get_attribute('src') != before
    assert page.locator('.jupyter-widgets [data-mime-type="application/vnd.jupyter.stderr"]').count() == 0


@pytest.mark.parametrize('name', NAMES)
def test_a_lesson_in_jupyterlab(name, lab, page):
    from axe_playwright_python.sync_playwright import Axe
    open_lesson(name, lab, page)
    run_all(page)
    assert page.locator('.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    page.wait_for_function(f"({FIGURES})().length >= {len(stored_words(name))}")

    figures = page.evaluate(FIGURES)
    assert [figure['alt'] for figure in figures] == stored_words(name)
    for figure in figures:
        assert figure['shown']
        picture = Image.open(io.BytesIO(base64.b64decode(figure['src'].split(',')[1]))).convert('RGBA')
        assert picture.getextrema()[3] == (255, 255) and picture.getpixel((0, 0)) == (255, 255, 255, 255)  # opaque and white
    page.add_style_tag(content='body { overflow: visible !important }')  # else axe takes nothing for visible
    cells = page.locator('.jp-OutputArea-output :is(td, th)').count()
    for theme in ('JupyterLab Light', 'JupyterLab Dark'):
        choose_theme(page, theme)
        for _ in range(10):  # on a busy machine the page may still be changing, and axe then sees nothing of it
            show_whole(page)
            result = page.evaluate(CONTRAST, Axe().axe_script)
            if result['violations'] or result['cells_seen'] >= .8 * cells:  # it leaves out empty ones, as it should
                break
            page.wait_for_timeout(500)
        assert not result['violations'], (theme, result['violations'])
        assert result['cells_seen'] >= .8 * cells, f'axe passed over a table: it saw {result["cells_seen"]} of {cells} cells'
        take_picture(page, f'{name}_{theme.split()[1]}')


def test_the_contrast_check_can_fail(lab, page):
    "Pale yellow behind the theme's own text, as in many tables on the web, is legible in light and not in dark."
    from axe_playwright_python.sync_playwright import Axe
    open_lesson('glossary', lab, page)
    page.add_style_tag(content='body { overflow: visible !important }')
    choose_theme(page, 'JupyterLab Dark')
    page.evaluate("""() => document.querySelector('.jp-RenderedMarkdown').insertAdjacentHTML('afterbegin',
        '<p id="pale" style="background: lightyellow">legible?</p>')""")
    page.evaluate("document.querySelector('#pale').classList.add('jp-OutputArea-output')")
    violations = page.evaluate(CONTRAST, Axe().axe_script)['violations']
    assert len(violations) == 1 and 'insufficient color contrast' in violations[0]
