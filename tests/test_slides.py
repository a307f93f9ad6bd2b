"""Slides of the lessons: built without a network, and opened as files in a real browser, as a teacher opens them.

Nothing is fetched, the arrow key leads from the first to the last, and nothing is too small or leaves its slide. SCREENSHOTS and TIMES
name a folder for pictures of all slides, and a file for what the building says.
"""
import json
import os
import re
import subprocess
import sys

import pytest
from browser import AXE, take_picture
from conftest import CHROMIUM, ROOT, tell
from test_notebooks import LESSONS

from digits_uth.lessons import learners_copy

pytest.importorskip('sphinx_revealjs', reason='sphinx-revealjs, which brings reveal.js, is not installed')
sys.path.insert(0, str(ROOT / 'classroom'))
import slides  # noqa: E402

sys.path.remove(str(ROOT / 'classroom'))
TALKS = ['01_pixels', '02_distances', '03_sgd']
TAGS = {'slide', 'fragment', 'code', 'output', 'notes', 'whole'}


def in_a_browser(test):
    skip = pytest.mark.skipif(CHROMIUM is None, reason='no Chromium was found: the slides were not tried in a browser')
    return pytest.mark.slow(pytest.mark.xdist_group('browser')(skip(test)))


def test_three_lessons_have_slides_and_every_tag_is_known():
    assert list(slides.tagged()) == TALKS
    for name, nb in LESSONS.items():
        tags = [set(cell.metadata.get('tags', ())) for cell in nb.cells]
        assert set().union(*tags) <= TAGS, name
        assert all(f'\n    {tag} ' in slides.__doc__ for tag in set().union(*tags)), name
        for cell, own in zip(nb.cells, tags, strict=True):
            assert not own & ({'code', 'output'} if cell.cell_type == 'markdown' else {'notes', 'whole'}), cell.source
            assert not own or not re.search(r'^#\| *(hide|default_exp)\b', cell.source, re.MULTILINE), cell.source
    assert all(15 <= len(slides.slides(LESSONS[name])) <= 25 for name in TALKS)


@pytest.mark.parametrize('paragraph, shown', [
    ('Both show two. So clone.', 'Both show two. So clone.'),
    ('Move it. (An aside.) How far is [that](01.ipynb)?', 'Move it. How far is that?'),
    ('- one (aside)\n- two. (An aside.)', '- one (aside)\n- two.'),
    ('First. ' + 'One more sentence. ' * 15 + 'Before it. What now? Last.', 'Before it. What now?'),
    ('First. ' + 'One more sentence. ' * 15 + 'This is a **term**. Last.', 'This is a **term**.'),
    ('First, of .5. ' + 'One more sentence. ' * 15, 'First, of .5.'),
    ('```\na (b). (C.)\n```', '```\na (b). (C.)\n```')])
def test_a_wall_gets_the_questions_and_terms_of_a_long_paragraph(paragraph, shown):
    assert slides.on_the_wall(paragraph) == shown


def test_one_cell_ends_a_slide_and_opens_the_next():
    ends, opens = slides.words(cell_of('It is `two`.\n\nA [long](x) story.\n\nGuess `again`'), {'slide', 'fragment'})
    assert ends['text'] == ['It is `two`.'] and ends['full'] == ['It is `two`.', 'A [long](x) story.'] and ends['fragment']
    assert opens['text'] == ['Guess `again`'] and opens['opens']
    ends, opens = slides.words(cell_of('Before.\n## Title\nOne.\n\nTwo?'), {'slide'})
    assert ends['text'] == [] and ends['full'] == ['Before.']  # for the speaker
    assert opens['text'] == ['## Title', 'Two?'] and opens['full'] == ['## Title', 'One.', 'Two?']
    [all_of_it] = slides.words(cell_of('One.\n\n```\nx\n\ny\n```\n\nTwo?\n<details>\n\nNo.\n</details>'), {'slide', 'whole'})
    assert all_of_it['text'] == ['One.', '```\nx\n\ny\n```', 'Two?']


def cell_of(source):
    import nbformat
    return nbformat.v4.new_markdown_cell(source)


def test_code_is_shown_bare():
    source = ('#| export\n@checked\ndef mae(\n    a,  # one\n    b=mae,  # another\n):       # a number\n    "Words."\n    return a - b  # why\n'
              'mae(1, 2)\nalt("What there is to see, "\n    f"and more")')
    assert slides.bare(source) == 'def mae(a, b=mae):\n    "Words."\n    return a - b  # why\nmae(1, 2)'


@pytest.mark.parametrize('name', TALKS)
def test_the_speaker_gets_what_the_wall_leaves_out(name):
    def found(text): return set(re.findall(r'\w+', re.sub(r'\]\([^)]*\)|<details>.*?</details>', '', text, flags=re.DOTALL)))
    shown = [cell for group in slides.slides(LESSONS[name]) for cell in group]
    for cell in LESSONS[name].cells:
        if cell.cell_type == 'markdown' and cell.metadata.get('tags'):
            pieces = [piece for piece in shown if piece.id.startswith(cell.id)]
            assert found(cell.source) <= found('\n'.join(piece.source + piece.metadata.notes for piece in pieces)), cell.source


@pytest.mark.parametrize('name', TALKS)
def test_learners_get_no_tags(name):
    nb = json.loads((ROOT / 'nbs' / f'{name}.ipynb').read_text(encoding='utf-8'))
    copy = learners_copy(nb)
    assert any(cell['metadata'].get('tags') for cell in nb['cells']) and not any('tags' in cell['metadata'] for cell in copy['cells'])


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp('made') / 'slides'
    environment = {**os.environ, 'PYTHONPATH': str(ROOT / 'tests' / 'offline')}
    done = subprocess.run([sys.executable, 'classroom/slides.py', folder], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    tell(done.stdout)
    assert sorted(path.name for path in folder.iterdir()) == [f'{name}.html' for name in TALKS]  # nothing lies beside them
    return folder


@pytest.fixture
def show(browser, built):
    "Open a lesson's slides, as a file and without a network, in a theme; nothing may be fetched or complain."
    contexts, wrong = [], []

    def show(name, theme='light'):
        context = browser.new_context(viewport={'width': 1280, 'height': 720}, color_scheme=theme, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on('request', lambda request: None if request.url.startswith(('file:', 'data:')) else wrong.append(request.url))
        page.on('console', lambda message: wrong.append(message.text) if message.type in ('error', 'warning') else None)
        page.on('pageerror', lambda error: wrong.append(str(error)))
        page.goto((built / f'{name}.html').as_uri())
        page.wait_for_function('window.Reveal?.isReady()')
        return page
    yield show
    for context in contexts: context.close()
    assert not wrong


# Of the slide that is open: its number, the layout's faults, the smallest letters outside pictures, and each picture's share of the wall.
MEASURE = """() => {
  const slide = Reveal.getCurrentSlide(), room = slide.getBoundingClientRect(), faults = [];
  const blocks = [...slide.children], box = element => element.getBoundingClientRect();
  const say = (what, element) => faults.push(what + ': ' + element.textContent.trim().slice(0, 60));
  if (slide.scrollHeight > slide.clientHeight || slide.scrollWidth > slide.clientWidth) say('larger than its slide', slide);
  for (const element of slide.querySelectorAll('.words > *, pre, .picture > *, table')) {
    const {left, right, top, bottom} = box(element);
    if (element.matches('aside')) continue;
    if (left < room.left || right > room.right || top < room.top || bottom > room.bottom - 8) say('leaves the slide', element);
    if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline') say('is cut off', element);
  }
  const full = blocks.filter(block => box(block).height > 0 && block.innerText.trim() + block.innerHTML.match(/<img|<table/));
  for (const one of full) for (const other of full) if (one !== other) {
    const [p, q] = [box(one), box(other)];
    if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1) say('overlaps', one);
  }
  const texts = [...slide.querySelectorAll('h1, h2, h3, p, li, code, pre, span')].filter(e => !e.closest('aside, table') && e.textContent.trim());
  const shares = [...slide.querySelectorAll('img, table')].map(element => {
    const {width, height} = box(element), scale = Math.min(width / element.naturalWidth, height / element.naturalHeight);
    const area = element.naturalWidth ? scale * element.naturalWidth * scale * element.naturalHeight : width * height;
    return area / (room.width * room.height) });
  return {number: Reveal.getIndices().h, faults, letters: Math.min(...texts.map(e => parseFloat(getComputedStyle(e).fontSize))), shares,
          wall: [room.width, room.height], waiting: slide.querySelectorAll('.fragment:not(.visible)').length,
          seen: [...slide.querySelectorAll('.fragment:not(.visible)')].filter(e => getComputedStyle(e).visibility !== 'hidden').length} }"""


@in_a_browser
@pytest.mark.parametrize('name', TALKS)
def test_the_arrow_key_leads_through_all_and_every_slide_can_be_read(name, show):
    page = show(name)
    page.add_style_tag(content='.fragment { transition: none !important }')
    total, seen, presses = page.evaluate('Reveal.getTotalSlides()'), {}, 0
    while True:
        found = page.evaluate(MEASURE)
        assert found['wall'] == [1280, 720] and not found['seen']  # an answer waits for its key
        seen.setdefault(found['number'], []).append(found)
        if not found['waiting']: take_picture(page, f'slides_{name}_{found["number"] + 1:02}')
        if page.evaluate('Reveal.isLastSlide()') and not found['waiting']: break
        page.keyboard.press('ArrowRight')
        presses += 1
        assert presses < 200
    assert list(seen) == list(range(total)) and total == len(slides.slides(LESSONS[name]))
    steps = [step for found in seen.values() for step in found]
    assert not (faults := [(step['number'] + 1, step['faults']) for step in steps if step['faults']]), faults
    assert min(step['letters'] for step in steps if step['letters'] is not None) >= 20
    assert min(share for step in steps for share in step['shares']) > .1
    assert sum(len(found) > 1 for found in seen.values()) > total / 2  # most slides ask before they answer
    page.keyboard.press('Home')
    assert page.evaluate('Reveal.isFirstSlide()')


@in_a_browser
@pytest.mark.parametrize('name', TALKS)
def test_every_picture_has_its_words(name, show):
    alts = show(name).evaluate("[...document.images].map(image => image.getAttribute('alt'))")
    lesson = ''.join(str(output.get('data', {}).get('text/html', '')) for cell in LESSONS[name].cells
                     if set(cell.metadata.get('tags', ())) & {'fragment', 'output'} for output in cell.get('outputs', []))
    assert len(alts) == lesson.count('<img ') > 5 and all(alts)


@in_a_browser
@pytest.mark.parametrize('theme', ['light', 'dark'])
@pytest.mark.parametrize('name', TALKS)
def test_axe_finds_nothing_serious_on_the_first_slides(name, theme, show):
    from axe_playwright_python.base import AXE_SCRIPT
    page = show(name, theme)
    page.add_style_tag(content='* { transition: none !important }')
    paper, ink = page.evaluate("""['.reveal-viewport', '.reveal'].map((name, n) => getComputedStyle(document.querySelector(name))
                                  [['backgroundColor', 'color'][n]].match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0))""")
    assert (paper > 600 and ink < 200) if theme == 'light' else (paper < 200 and ink > 600)
    minor = {'empty-table-header', 'page-has-heading-one'}  # pandas' corner of a table; the title stands on the first slide only
    for number in range(8):
        page.evaluate('number => Reveal.slide(number, 0, 99)', number)
        found = page.evaluate(AXE, [AXE_SCRIPT, 'html'])
        wrong = [text for text in found['violations'] if text.split(':')[0] not in minor]
        assert not wrong and 'color-contrast' in found['passes'], '\n'.join(wrong)


@in_a_browser
def test_the_speaker_has_a_window_with_the_notes(show):
    page = show('01_pixels')
    with page.context.expect_page() as opened: page.keyboard.press('s')
    speaker = opened.value
    notes = 'Change the lines above until the hat fits'
    number = page.evaluate("words => [...document.querySelectorAll('.slides > section')].findIndex(one => one.textContent.includes(words))", notes)
    assert not page.get_by_text(notes).is_visible() and not speaker.get_by_text(notes).is_visible()
    page.evaluate('number => Reveal.slide(number)', number)
    speaker.get_by_text(notes).wait_for()
    assert not page.get_by_text(notes).is_visible()  # the wall doesn't show it
