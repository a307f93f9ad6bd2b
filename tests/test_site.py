"""The site: built from the notebooks without a network, every internal link right, and in a real browser found by a word, read by axe, and drawn on.

What is measured is printed, and written where TIMES names a file.
"""
import json
import os
import re
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest
from browser import AXE, Hand
from conftest import CHROMIUM, ROOT, tell
from test_notebooks import LESSONS
from test_package import MODULES

pytest.importorskip('sphinx_book_theme', reason='the extra `site` is not installed')
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('site')]
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason='no Chromium was found: the site was not tried in a browser')
UPSTREAM = {'region'}  # the theme's name of the site stands outside of its landmarks


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    "The site as GitHub's workflow would build it, for an address that is nobody's."
    folder = tmp_path_factory.mktemp('made') / '_site'
    environment = {**os.environ, 'GITHUB_SERVER_URL': 'https://github.com', 'GITHUB_REPOSITORY': 'somebody/digits', 'SITE_ADDRESS': 'https://site.invalid/digits/',
                   'PYTHONPATH': str(ROOT / 'tests' / 'offline')}
    done = subprocess.run([sys.executable, 'site/build.py', folder], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    tell(f'site: {done.stdout}')
    return folder


class Page(HTMLParser):
    "The links and the marks of a page, and what it loads."
    def __init__(self, path):
        super().__init__()
        self.links, self.marks = [], {''}
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[key] for key in ('href', 'src') if attributes.get(key)]
        self.marks |= {attributes[key] for key in ('id', 'name') if attributes.get(key)}


def test_every_internal_link_leads_to_a_page_and_its_mark(built):
    pages = {path: Page(path) for path in built.rglob('*.html')}
    assert {built / f'{name}.html' for name in LESSONS} | {built / 'index.html', built / 'glossary.html', built / 'teaching.html'} <= pages.keys()
    followed = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith('{') or path.name == 'draw.html': continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / 'index.html' if target.is_dir() else target
            assert target.exists(), f'{path.name}: {link}'
            if target in pages and parts.fragment:
                assert unquote(parts.fragment) in pages[target].marks, f'{path.name}: {link}'
            followed += 1
    assert followed > 3000


def test_nothing_is_loaded_from_elsewhere(built):
    for path in built.rglob('*.html'):
        text = path.read_text(encoding='utf-8')
        assert not re.findall(r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//[^"]*|<link[^>]+rel="stylesheet"[^>]+href="(?:https?:)?//[^"]*', text), path.name


def test_lessons_show_what_they_put_out_and_no_guards(built):
    for name, nb in LESSONS.items():
        text = (built / f'{name}.html').read_text(encoding='utf-8')
        assert 'from guards import' not in text and '#| ' not in text and 'default_exp' not in text
        figures = sum(str(output.get('data', {}).get('text/html', '')).count('<img') for cell in nb.cells for output in cell.get('outputs', []))
        assert figures > 0 and len(re.findall('<img alt="[^"]+"[^>]* src="data:image/png', text)) == figures, name


def test_the_reference_has_every_export_and_what_it_takes_and_gives(built):
    import importlib
    for module in MODULES.keys() - {'exercises'}:
        text = (built / 'api' / f'{module}.html').read_text(encoding='utf-8')
        for name in importlib.import_module(f'digits_uth.{module}').__all__:
            assert re.search(rf'<h2>{name}<', text), f'{module}.{name}'
    text = (built / 'api' / 'distances.html').read_text(encoding='utf-8')
    assert 'one distance a picture' in text and 'Mean absolute error over the last two axes.' in text


def test_addresses_are_those_of_the_place_where_it_is_built_and_none_without(built):
    text = (built / '01_pixels.html').read_text(encoding='utf-8')
    assert 'https://colab.research.google.com/github/somebody/digits/blob/lessons/01_pixels.ipynb' in text
    assert 'https://mybinder.org/v2/gh/somebody/digits/lessons?urlpath=lab/tree/01_pixels.ipynb' in text
    for folder in ('lessons', '_sources'):
        nb = json.loads((built / folder / '01_pixels.ipynb').read_text(encoding='utf-8'))
        assert '%pip install --quiet "digits_uth @ https://site.invalid/digits/digits_uth-' in nb['cells'][0]['source']
    sys.path.insert(0, str(ROOT / 'site'))
    import build
    sys.path.remove(str(ROOT / 'site'))
    build.copies(built.parent / 'without', '')
    assert 'pip install' not in (built.parent / 'without' / '01_pixels.ipynb').read_text(encoding='utf-8')


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / 'precious').touch()
    done = subprocess.run([sys.executable, 'site/build.py', tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and 'holds something else' in done.stderr and (tmp_path / 'precious').exists()


@pytest.fixture(scope='module')
def address(built):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=built))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/'
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser, address):
    "Open a page by its name, in a theme and a width; no request may leave this machine or fail (but axe's, which looks for a style sheet beside the page)."
    opened, astray = [], []

    def visit(name, theme='light', width=1300):
        page = browser.new_page(viewport={'width': width, 'height': 900})
        opened.append(page)
        page.on('request', lambda request: astray.append(request.url) if not request.url.startswith((address, 'data:', 'blob:')) else None)
        page.on('response', lambda response: astray.append(response.url) if response.status >= 400 and not response.url.endswith('/basic.css') else None)
        page.add_init_script(f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')")
        page.goto(address + name)
        page.wait_for_load_state('networkidle')
        return page
    yield visit
    for page in opened: page.close()
    assert not astray


@in_a_browser
@pytest.mark.parametrize('theme', ['light', 'dark'])
@pytest.mark.parametrize('name', ['index', '01_pixels', '05_training', 'glossary', 'teaching', 'api/distances', 'search'])
def test_axe_finds_nothing(name, theme, visit):
    from axe_playwright_python.base import AXE_SCRIPT
    page = visit(f'{name}.html', theme)
    assert page.evaluate('document.documentElement.dataset.theme') == theme
    found = page.evaluate(AXE, [AXE_SCRIPT, 'body'])
    wrong = [text for text in found['violations'] if text.split(':')[0] not in UPSTREAM]
    assert not wrong and 'color-contrast' in found['passes'], '\n'.join(wrong)


@in_a_browser
@pytest.mark.parametrize('name', ['index', *LESSONS, 'glossary', 'teaching', 'api/optimizers'])
def test_a_phone_shows_it_without_scrolling_sideways(name, visit):
    page = visit(f'{name}.html', width=390)
    assert page.evaluate('document.documentElement.scrollWidth') <= 390


@in_a_browser
def test_a_word_is_found(visit):
    page = visit('search.html?q=momentum')
    page.wait_for_selector('#search-results li')
    assert page.locator('#search-results a[href^="06_optimizers.html"]').count() and page.locator('#search-results a[href^="glossary.html"]').count()


@in_a_browser
def test_a_digit_is_drawn_and_read_on_the_first_page(visit):
    page = visit('index.html')
    shown = page.evaluate("performance.getEntriesByType('paint').find(e => e.name == 'first-contentful-paint').startTime")
    tell(f'site: first paint after {shown:.0f} ms')
    class InFrame(Hand):
        paper = property(lambda self: self.page.frame_locator('iframe.pad').locator('.uth-pad-paper').first)
    InFrame(page).draw()  # a three
    page.frame_locator('iframe.pad').get_by_text('Convolutions: 3.').first.wait_for()
