"""Slides of lessons for a class room: `make slides`, or `python classroom/slides.py [FOLDER]`.

Each lesson whose cells have tags becomes one HTML file, made of the lesson's own cells and of what they put out. It opens by a double
click and needs no network: reveal.js, as the package sphinx-revealjs brings it, stands in the file. The tags say what is shown:

    slide     a slide begins, with the last paragraph of a markdown cell (of a title its first), or with a code cell
    fragment  the next key uncovers it: the first paragraph of a markdown cell, or what a code cell puts out
    code      the source of a code cell
    output    what a code cell puts out, at once
    notes     only the speaker sees it, by the key S
    whole     all paragraphs of a markdown cell, however long they are

A lesson's markdown cell often answers one question and asks the next. With both `slide` and `fragment` its last paragraph opens a slide
(or what stands below its heading does), and what comes before ends the slide before. `on_the_wall` shortens long paragraphs; what it
leaves out stands in the speaker's notes.
"""
import argparse
import ast
import re
import struct
import time
from base64 import b64decode
from importlib.resources import files
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HERE = Path(__file__).resolve().parent
NBS = HERE.parent / 'nbs'
REVEAL = files('sphinx_revealjs') / '_static' / 'revealjs'
MOST_WORDS = 42    # of a paragraph that is short enough
MOST_COLUMNS = 35  # of code that stands beside a picture, not above it


def sentences(paragraph):
    return re.split(r'(?:(?<=[.?!])|(?<=[.?!][)*])|(?<=[.?!]\*\*))\s+', paragraph)


def without_asides(paragraph):
    "A paragraph without sentences in parentheses, and without links: nobody clicks on a wall."
    text = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', paragraph)
    lines = [[s for s in sentences(line) if not re.fullmatch(r'\(.*\)', s)] for line in text.splitlines()]
    return paragraph if text.startswith('```') else '\n'.join(map(' '.join, lines))


def on_the_wall(paragraph):
    """What a class reads of a paragraph. Of a long one, which is no list, these are its questions, each with the sentence before it, and
    the sentences with a term in bold; or else the first sentence."""
    text = without_asides(paragraph)
    if '\n' in text or len(text.split()) <= MOST_WORDS: return text
    kept = sentences(text)
    return ' '.join([s for s, after in zip(kept, [*kept[1:], ''], strict=True) if '?' in s + after or '**' in s] or kept[:1])


def terms(paragraph):
    "The sentences with a term in bold, of a paragraph that isn't shown otherwise."
    return ' '.join(sentence for sentence in sentences(paragraph) if '**' in sentence)


def parts(source):
    "A markdown cell as (what ends the slide before, the heading, what opens a slide), without answers that are folded away."
    source = re.sub(r'<details>.*?</details>', '', source, flags=re.DOTALL)
    before, heading, after = re.fullmatch(r'(?:(.*?)^(#+ [^\n]+)\n)?(.*)', source, re.DOTALL | re.MULTILINE).groups()
    before, after = [[block.strip() for block in re.split(r'(```.*?```)|\n\n', text or '', flags=re.DOTALL) if block and block.strip()]
                     for text in (before, after)]
    return (before, heading, after) if heading else (after[:-1], '', after[-1:])


def words(cell, tags):
    "The pieces of a markdown cell: text for the wall, text for the speaker, and how it comes."
    ends, heading, opens = parts(cell.source)
    if 'slide' not in tags: ends, heading, opens = [*ends, *opens], '', []
    elif 'whole' in tags and 'fragment' not in tags: ends, opens = [], [*ends, *opens]
    if ends:
        shown = map(without_asides, ends) if 'whole' in tags else [on_the_wall(ends[0]), *filter(None, map(terms, ends[1:]))]
        yield dict(text=list(shown) if 'fragment' in tags else [], full=ends, fragment='fragment' in tags)
    if opens:
        shown = map(without_asides, opens) if 'whole' in tags else opens[:1] if heading.startswith('# ') else [on_the_wall(opens[-1])]
        yield dict(text=[*filter(None, [heading]), *shown], full=[*filter(None, [heading]), *opens], opens=True)


def bare(source):
    """Code for the wall: functions without decorators and without the comments at their arguments, no lines for nbdev, and none of the
    words for those who can't see a picture: there they would tell the answer."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, 'decorator_list', []))]) - 1
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno > node.lineno:
            lines[first:node.body[0].lineno - 1] = [f'def {node.name}({ast.unparse(node.args)}):']
        if lines[first].startswith('alt('): del lines[first:node.end_lineno]
    return '\n'.join(line for line in lines if not line.startswith('#|'))


def pictures(outputs):
    return [output for output in outputs if re.search('<img |<table', output.get('data', {}).get('text/html', ''))]


def shape(output):
    "Width over height of a picture; a table of pixels is square."
    png = re.search(r'base64,([\w+/]{32})', output.data['text/html'])
    width, height = struct.unpack('>II', b64decode(png[1])[16:24]) if png else (1, 1)
    return width / height


def pieces(nb):
    "What the slides show, in order: cells whose metadata say how."
    for cell in nb.cells:
        tags = set(cell.metadata.get('tags', ()))
        if cell.cell_type == 'markdown' and tags & {'slide', 'fragment', 'notes'}:
            for number, part in enumerate(words(cell, tags)):
                text, full = [part.pop(key) for key in ('text', 'full')]
                notes = '' if text == full else '\n\n'.join(block for block in full if not block.startswith('#'))
                yield new_markdown_cell('\n\n'.join(text), id=f'{cell.id}-{number}', metadata={**part, 'notes': notes, 'kind': 'words'})
        if 'code' in tags:
            yield new_code_cell(bare(cell.source), id=cell.id, metadata={'opens': 'slide' in tags, 'kind': 'code'})
        if cell.cell_type == 'code' and tags & {'fragment', 'output'}:
            outputs = pictures(cell.outputs) or cell.outputs
            how = {'opens': 'slide' in tags and 'code' not in tags, 'fragment': 'fragment' in tags,
                   'kind': 'picture' if pictures(outputs) else 'text', 'transient': {'remove_source': True}}
            yield new_code_cell('', id=f'{cell.id}-out', outputs=outputs, metadata=how)


def longest(cell):
    "The longest line of code or of text that code puts out: its letters are as large as it allows."
    texts = [cell.source] + [output.get('text') or output.data['text/plain'] for output in cell.get('outputs', [])]
    return max(len(line) for text in texts for line in [*text.splitlines(), ''])


def slides(nb):
    "Slides, each a list of cells."
    found = []
    for cell in pieces(nb):
        if cell.metadata.get('opens') or not found: found.append([])
        found[-1].append(cell)
    for cells in found:
        shown, code = [[cell for cell in cells if cell.metadata.kind == kind] for kind in ('picture', 'code')]
        for cell in cells: cell.metadata.longest = longest(cell) if cell.metadata.kind in ('code', 'text') else 0
        square = [shape(output) < (1.8 if code else 1.25) for cell in shown for output in cell.outputs]
        narrow = max([cell.metadata.longest for cell in cells]) <= MOST_COLUMNS
        alone = all(cell.metadata.kind == 'words' for cell in cells)
        cells[0].metadata.layout = 'alone' if alone else 'beside' if square == [True] and narrow else 'below'
    return found


def page(shown, title):
    "Slides as one HTML page."
    read = {name: (REVEAL / path).read_text(encoding='utf-8')
            for name, path in {'css': 'dist/reveal.css', 'js': 'dist/reveal.js', 'notes': 'plugin/notes/notes.js'}.items()}
    exporter = HTMLExporter(template_name='slides', extra_template_basedirs=[str(HERE)], exclude_input_prompt=True,
                            exclude_output_prompt=True, exclude_anchor_links=True)
    html, _ = exporter.from_notebook_node(new_notebook(cells=sum(shown, [])), {'reveal': read, 'title': title})
    return html


def tagged():
    "The lessons that have slides."
    books = {path.stem: nbformat.read(path, as_version=4) for path in sorted(NBS.glob('[0-9]*.ipynb'))}
    return {name: nb for name, nb in books.items() if any('slide' in cell.metadata.get('tags', ()) for cell in nb.cells)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', nargs='?', type=Path, default=Path('slides'))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, nb in tagged().items():
        start, file = time.perf_counter(), folder / f'{name}.html'
        title = re.search(r'^# (.+)', nb.cells[0].source, re.MULTILINE)[1]
        shown = slides(nb)
        file.write_text(page(shown, title), encoding='utf-8', newline='\n')
        print(f'{file}: {len(shown)} slides, {file.stat().st_size / 1e6:.1f} MB, {time.perf_counter() - start:.1f} s')


if __name__ == '__main__':
    main()
