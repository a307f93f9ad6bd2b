"What holds for every notebook: clean, fresh, described, within its budget, its words explained and its links right."
import html
import re

import notebooks as tools
import pytest
from conftest import ROOT, core_of

BOOKS = {path.stem: tools.read(path) for path in tools.notebooks()}
REFERENCES = {'00_checks', '00_data', '00_drawing', '00_lessons', '00_machine', '00_preparation', '00_strokes', '04_landscape', '05_batches', '06_keeping', '07_adapters',
              '07_files', '07_loaders', '09_layer', '11_pictures', '12_page', '12_photographs', '12_sheet',
              '13_launch'}
LESSONS = {name: nb for name, nb in BOOKS.items() if re.match(r'\d\d_', name) and name not in REFERENCES}
# cells that draw
PLOTS = re.compile(r'^(show_images?\(|dls\.show_batch\(|fig, axs? =|(ax = )?(plot|draw)_\w+\(|learn\.lr_find\(|plt\.(figure|imshow|plot))', re.MULTILINE)
every_book = pytest.mark.parametrize('name', BOOKS)
every_lesson = pytest.mark.parametrize('name', LESSONS)


def seen(nb):
    "The cells that a learner gets."
    return [c for c in nb.cells if not tools.directives(c) & {'hide', 'default_exp'}]


def core(nb):
    "The cells of a lesson before its \"Going further\"."
    return core_of(seen(nb))


def prose(cells):
    return '\n\n'.join(c.source for c in cells if c.cell_type == 'markdown')


def words(text):
    text = re.sub(r'<[^>]*>|\]\([^)]*\)', ' ', text)
    return sum(bool(re.search('[A-Za-z]', word)) for word in text.split())


def outputs(nb):
    return [output for cell in nb.cells if cell.cell_type == 'code' for output in cell.outputs]


def without_code(text):
    return re.sub(r'```.*?```|`[^`\n]*`', '', text, flags=re.DOTALL)


@every_book
def test_clean(name, tmp_path):
    clean_nb = pytest.importorskip('nbdev.clean', reason='nbdev needs newer versions than the lowest').clean_nb
    import json
    text = (tools.NBS / f'{name}.ipynb').read_text(encoding='utf-8')
    nb = json.loads(text)
    clean_nb(nb, allowed_metadata_keys=['digits_uth'], allowed_cell_metadata_keys=['tags'])
    assert nb == json.loads(text), f'call `make outputs ARGS=nbs/{name}.ipynb`'
    assert 'widgets' not in nb['metadata']
    ids = [cell['id'] for cell in nb['cells']]
    assert len(set(ids)) == len(ids)


@every_book
def test_outputs_are_fresh(name):
    nb = BOOKS[name]
    assert nb.metadata.get('digits_uth', {}).get('outputs_of') == tools.code_hash(nb), f'call `make outputs ARGS=nbs/{name}.ipynb`'


@every_book
def test_outputs_hold_no_errors_warnings_or_paths_of_a_machine(name):
    for output in outputs(BOOKS[name]):
        assert output.output_type != 'error' and output.get('name') != 'stderr', output
        text = str(output.get('text', '')) + str(output.get('data', {}).get('text/plain', ''))
        assert not re.search(r'/(home|root|tmp|Users|work)/|[A-Z]:\\', text), text


@every_book
def test_every_figure_has_words_of_its_own(name):
    said = []
    for output in outputs(BOOKS[name]):
        data = output.get('data', {})
        assert not [mime for mime in data if mime.startswith('image/')], 'a figure without alt(...)'
        said += [html.unescape(text) for text in re.findall(r'<img alt="([^"]*)"', data.get('text/html', ''))]
        assert data.get('text/html', '').count('<img') == len(re.findall(r'<img alt="[^"]+"', data.get('text/html', '')))
    assert len(set(said)) == len(said)
    for text in said:
        assert words(text) >= 6 and text.endswith('.') and 'without a description' not in text, text
    plotting = [c.source for c in BOOKS[name].cells if c.cell_type == 'code' and 'hide' not in tools.directives(c)
                and PLOTS.search(c.source)]
    assert len(plotting) == len(said)


@every_lesson
def test_the_budget(name):
    cells = core(LESSONS[name])
    code = [c for c in cells if c.cell_type == 'code']
    minutes, more = map(int, re.search(r'^\*(\d+) minutes, and (\d+) for the exercises', prose(cells), re.MULTILINE).groups())
    count = words(prose(cells))
    assert len(code) <= 45 and count <= 1800 and minutes <= 40 and more <= 30
    assert abs(minutes - (count / 90 + len(code) / 2)) <= 5, 'ninety words and two cells a minute'
    for cell in code:
        assert all(len(line) <= 125 for line in cell.source.splitlines()), cell.source


@every_lesson
def test_the_stated_minutes_agree(name):
    minutes = re.search(r'^\*(\d+) minutes', prose(LESSONS[name].cells), re.MULTILINE)[1]
    assert re.search(rf'\| {name[:2]} \| \[[^]]+\]\({name}\.ipynb\) \| {minutes} \|', prose(BOOKS['index'].cells))


@every_lesson
def test_what_every_lesson_has(name):
    cells = LESSONS[name].cells
    first, text = cells[0].source, prose(cells)
    assert re.match(r'# [^\n]+\n> [^\n]+\n\nAfter this lesson you can\n- ', first)
    closing = text[text.index('## What you built'):text.index('## Going further')]
    positions = [closing.index(part) for part in ('### Try it', '### Questions', '### Read further', '**Next:**')]
    assert positions == sorted(positions)
    questions = re.findall(r'^(\d)\. .+\n<details><summary>Answer</summary>\n\n.+\n</details>$', closing, re.MULTILINE)
    assert questions == list('12345')
    number = name[:2]
    checks = re.findall(rf'^check_{number}_(\d)\((\w+)\);$', '\n'.join(c.source for c in core(LESSONS[name])), re.MULTILINE)
    assert 2 <= len(checks) <= 3 and [int(k) for k, _ in checks] == list(range(1, len(checks) + 1))


@every_book
def test_folded_answers_and_numbers_at_a_lines_start(name):
    text = prose(BOOKS[name].cells)
    assert text.count('<details>') == text.count('</summary>\n\n') == text.count('</details>')
    assert not re.search(r'^\d\d+\. ', text, re.MULTILINE), 'a number and a full stop at the start of a line become a list'


def terms(nb):
    "The words that a notebook's prose sets in bold: those it explains. Run-in headings end with a stop or a colon."
    bold = re.findall(r'\*\*([^*]+)\*\*', without_code(prose(nb.cells)))
    return {' '.join(term.split()).lower() for term in bold if not term.endswith(('.', ':'))}


ENTRY = re.compile(r'^## ([^\n]+)\n(.*?)(?=^## |\Z)', re.MULTILINE | re.DOTALL)
GLOSSARY = {entry[1].lower(): entry[2] for entry in ENTRY.finditer(prose(BOOKS['glossary'].cells))}


@every_lesson
def test_every_term_is_in_the_glossary(name):
    for term in terms(LESSONS[name]):
        assert term in GLOSSARY and f'({name}.ipynb)' in GLOSSARY[term], f'{term}: explained in {name}, not in the glossary'


def test_every_entry_of_the_glossary_is_explained_where_it_says():
    assert list(GLOSSARY) == sorted(GLOSSARY)
    for term, text in GLOSSARY.items():
        lesson = re.search(r'\[Lesson \d\d\]\((\w+)\.ipynb\)', text)[1]
        assert term in terms(LESSONS[lesson]), f'{term} is not set in bold in {lesson}'


def links(text):
    return [link for link in re.findall(r'\]\(([^)\s]+)\)', without_code(text)) if not re.match(r'[a-z]+:', link)]


PAGES = {tools.NBS / f'{name}.ipynb': prose(nb.cells) for name, nb in BOOKS.items()}
PAGES.update({path: path.read_text(encoding='utf-8') for path in ROOT.glob('*.md')})


@pytest.mark.parametrize('page', PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page):
    for link in links(PAGES[page]):
        assert (page.parent / link.split('#')[0]).exists(), link


def test_prose_of_guards_is_not_needed():
    "Imports, and names that a learner's cell uses, never stand in a hidden cell alone: see also the learners' copies, which are run."
    for name, nb in BOOKS.items():
        assert not [c for c in nb.cells if 'hide' in tools.directives(c) and 'export' in tools.directives(c)], name


def test_the_learners_copy():
    for name, nb in BOOKS.items():
        copy = tools.learners_copy(tools.read(tools.NBS / f'{name}.ipynb'))
        assert not any(c.source.startswith('#|') for c in copy.cells)
        assert all(c.metadata.jupyter.source_hidden for c in copy.cells if c.get('outputs'))  # a picture without its code
        assert len(outputs(copy)) == sum('hide_input' in tools.directives(c) for c in nb.cells) == {'index': 1, '03_sgd': 1, '09_backprop': 2}.get(name, 0)
        assert [c.id for c in copy.cells] == [c.id for c in seen(nb)]
        assert all(c.source.strip() for c in copy.cells)
