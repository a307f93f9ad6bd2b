"""Build the site of all lessons: `make site`, or `python site/build.py [FOLDER]`.

The notebooks are shown with what they put out and without guards; each export's page is made from the comments beside its arguments.
Nothing is run and nothing is downloaded. Where the environment names a repository (as on GitHub), the pages have its links; SITE_ADDRESS
is where they will be found, from where notebooks fetch the package.
"""
import argparse
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from fastcore.docments import docments

import digits_uth
from digits_uth.lessons import course_files
from digits_uth.own_digits import course_models, export_page

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / 'nbs'
LEFT_OUT = {'index', 'exercises'}  # the front page has the one; the other is the machinery of the checks
PAGES = {'CHANGELOG.md': 'changelog.md', 'CONTRIBUTING.md': 'contributing.md', 'benchmarks/RESULTS.md': 'benchmarks.md',
         'digits_uth/assets/digit_cnn.md': 'digit_cnn.md', 'classroom/README.md': 'classroom.md',
         'digits_uth/assets/class/README.md': 'assignments.md'}  # a file of the project -> its page
FILES = {'LICENSE': 'LICENSE.txt', 'digits_uth/assets/LICENSE-DATA': 'LICENSE-DATA.txt'}


def relink(text):
    "Links of a notebook or a page, made right for the site, where all pages but those of solutions and api lie side by side."
    def target(match):
        words, link = match[1], match[2]
        if re.match(r'[a-z]+:', link): return match[0]
        path, _, anchor = link.partition('#')
        anchor = re.sub(r'[^\w-]', '', anchor.lower())  # Jupyter's marks of headings, as MyST makes them
        if not path: return f'[{words}](#{anchor})'
        path = re.sub(r'^(\.\./|nbs/)+', '', path)
        path = 'index.md' if path in ('index.ipynb', 'README.md') else path
        path = {'solutions': 'solutions/index.md', **PAGES, **FILES}.get(path.rstrip('/'), path)
        path = re.sub(r'^(solutions/lesson_\d\d)\.py$', r'\1.md', path)
        if not re.search(r'\.(md|ipynb|txt)$', path) or path == 'exercises.ipynb': return words  # no page of the site
        return f'[{words}]({path}{"#" + anchor if anchor else ""})'
    return re.sub(r'\[([^]]*)\]\(([^)\s]+)\)', target, text)


def shown(nb):
    "A notebook as the site shows it: no guards, no lines for nbdev; pictures without the code that draws them where that is hidden."
    cells = []
    for cell in nb['cells']:
        source, code = ''.join(cell['source']), cell['cell_type'] == 'code'
        marks = set(re.findall(r'^#\|\s*(\w+)', source, re.MULTILINE)) if code else set()
        if marks & {'hide', 'default_exp'}: continue
        source = re.sub(r'^#\|.*\n?', '', source, flags=re.MULTILINE) if code else relink(source)
        cells.append({**cell, 'source': source, 'metadata': {'tags': ['remove-input']} if 'hide_input' in marks else {}})
    return {**nb, 'cells': cells}


def made_readable(page):
    "What screen readers miss in pages that are built: heads of tables that are empty, and buttons without a name."
    text = page.read_text(encoding='utf-8')
    text = re.sub(r'<th([^>]*)>((?:<p>)?(?:&nbsp;|\s)*(?:</p>)?)</th>', r'<td\1>\2</td>', text)
    text = re.sub(r'<summary>(?=<span class="toctree-toggle")', '<summary aria-label="Show or hide the pages below">', text)
    page.write_text(text, encoding='utf-8', newline='\n')


def front(cells):
    "The first page: something to draw on, and what the lessons are."
    text = '\n\n'.join(relink(''.join(cell['source'])) for cell in cells if cell['cell_type'] == 'markdown')
    lessons = re.search(r'^## The lessons\n.*?(?=^## )', text, re.MULTILINE | re.DOTALL)[0]
    lessons = re.sub(r'^(\|(?:[^|\n]*\|){4})[^|\n]*\|$', r'\1', lessons, flags=re.MULTILINE)  # what each exports stands in the reference
    title, about = re.match(r'(# .+)\n> (.+)', text).groups()
    pad = ('<iframe src="draw.html" title="A pad to draw a digit on, and what each model reads" loading="eager" class="pad"></iframe>')
    return (f'{title}\n\n{about} Draw a digit: this page reads it, here in your browser, and says why.\n\n```{{raw}} html\n{pad}\n```\n\n'
            '<a href="draw.html">The pad alone</a> fits a phone. What reads your digit there is what the lessons build: '
            f'[begin with lesson 01](01_pixels.ipynb).\n\n{lessons}')


def reference(module):
    "A module's page: what it is for, and each export with what it takes and gives."
    module = importlib.import_module(f'digits_uth.{module}')
    name, parts = module.__name__.split('.')[-1], [f'# {module.__name__}\n\n{module.__doc__ or ""}']
    notebook = next(p.stem for p in sorted(NBS.glob('*.ipynb')) if re.search(rf'default_exp {name}\b', p.read_text(encoding='utf-8')))
    parts.append(f'Explained in [{notebook}](../{notebook}.ipynb).')
    for export in module.__all__:
        thing = getattr(module, export)
        parts.append(entry(thing, export, 2))
        if inspect.isclass(thing):
            methods = [(key, value) for key, value in vars(thing).items() if not key.startswith('_') and inspect.isfunction(value)]
            parts += [entry(method, f'{export}.{key}', 3) for key, method in methods if method.__doc__]
    return '\n\n'.join(parts) + '\n'


def entry(thing, name, level):
    "One export: its signature, what it is for, what it takes and gives by the comments in its source, and the source."
    function = inspect.unwrap(thing.__init__ if inspect.isclass(thing) else thing)
    own = not inspect.isclass(thing) or '__init__' in vars(thing)  # a class that is made as its parent is
    words, rows = docments(function, full=True, returns=False) if own else {}, []
    for key, found in words.items():
        if found.docment:
            default = '' if found.default is inspect.Parameter.empty else f'`{shown_default(found.default)}`'
            rows.append(f'| `{key}` | {in_cell(found.docment)} | {default} |')
    header = '' if inspect.isclass(thing) else inspect.cleandoc(inspect.getsource(function))
    if gives := re.search(r'^(?:def [^\n]*|\)[^\n]*):  +# (.+)$', header, re.MULTILINE): rows.append(f'| *gives* | {in_cell(gives[1])} | |')
    table = '\n'.join(['| | what it is | default |', '| --- | --- | --- |', *rows]) if rows else ''
    source = inspect.getsource(inspect.unwrap(thing))
    parts = ['#' * level + f' {name}', inspect.cleandoc(thing.__doc__ or ''), table,
             f'<details><summary>Source of {name}</summary>\n\n```python\n{inspect.cleandoc(source)}\n```\n</details>']
    return '\n\n'.join(filter(None, parts))


def shown_default(value):
    return getattr(value, '__name__', None) or repr(value)


def in_cell(text):
    "Words of a comment as a cell of a table."
    return re.sub(r'([<>*_|\[\]])', r'\\\1', ' '.join(text.split()))


def solution(path):
    lesson = path.stem.split('_')[1]
    code = path.read_text(encoding='utf-8')
    return f'# Solutions of lesson {lesson}\n\nTry the hints first: `check_{lesson}_1.hint()`.\n\n```python\n{code}\n```\n'


def contents(caption, *pages):
    "What stands in the list at the left, and isn't shown on the page."
    return '\n'.join(['```{toctree}', ':hidden:', *([f':caption: {caption}'] if caption else []), '', *pages, '```'])


def write_source(folder):
    "All that Sphinx reads."
    def write(name, text):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding='utf-8', newline='\n')
    books = {p.stem: json.loads(p.read_text(encoding='utf-8')) for p in sorted(NBS.glob('*.ipynb'))}
    for name, nb in books.items():
        if name not in LEFT_OUT: write(f'{name}.ipynb', json.dumps(shown(nb)))
    for path, page in PAGES.items(): write(page, relink((ROOT / path).read_text(encoding='utf-8')))
    for path, file in FILES.items(): write(file, (ROOT / path).read_text(encoding='utf-8'))
    solutions = sorted((ROOT / 'solutions').glob('lesson_*.py'))
    for path in solutions: write(f'solutions/{path.stem}.md', solution(path))
    write('solutions/index.md', '# Solutions\n\nModel answers, and answers that are typical and wrong.\n\n' +
          '\n'.join(f'- [Lesson {p.stem[-2:]}]({p.stem}.md)' for p in solutions) + '\n\n' + contents('', *(p.stem for p in solutions)))
    modules = re.findall(r'^ {4}(\w+) +(.+)$', digits_uth.__doc__, re.MULTILINE)
    modules = [(name, about) for name, about in modules if name != 'exercises']
    for name, _ in modules: write(f'api/{name}.md', reference(name))
    write('api/index.md', '# The package\n\n' + '\n'.join(f'- [`digits_uth.{name}`]({name}.md): {about}' for name, about in modules) +
          '\n\n' + contents('', *(name for name, _ in modules)))
    index = books['index']['cells']
    rows = re.findall(r'^\| \d\d \| \[([^]]+)\]\((\w+)\.ipynb\)', '\n'.join(''.join(cell['source']) for cell in index), re.MULTILINE)
    lessons = {name: f'{name[:2]} {title} <{name}>' for title, name in rows}
    references = [name for name in books if re.match(r'\d\d_', name) and name not in lessons]
    write('index.md', '\n\n'.join([
        front(index), contents('Lessons', *lessons.values()),
        contents('To look things up', 'glossary', *references, 'api/index', 'solutions/index'),
        contents('For teachers', 'teaching', 'assignments', 'classroom'),
        contents('For authors', 'contributing', 'changelog', 'benchmarks', 'digit_cnn')]))
    write('_static/course.css', (ROOT / 'site' / 'course.css').read_text(encoding='utf-8'))
    write('conf.py', (ROOT / 'site' / 'conf.py').read_text(encoding='utf-8'))
    write('settings.ini', (ROOT / 'settings.ini').read_text(encoding='utf-8'))
    (folder / 'extra').mkdir()
    export_page(course_models(), folder / 'extra' / 'draw.html')


def ready_to_run(text, address):
    "A learner's copy whose first cell fetches the package, for services where nothing is installed."
    nb = json.loads(text)
    wheel = f'{address.rstrip("/")}/digits_uth-{digits_uth.__version__}-py3-none-any.whl'
    first = {'cell_type': 'code', 'id': 'install', 'metadata': {}, 'execution_count': None, 'outputs': [],
             'source': f'# On Colab, Kaggle and the like: fetch the course, once a session.\n%pip install --quiet "digits_uth @ {wheel}"'}
    return json.dumps({**nb, 'cells': [first, *nb['cells']]}, indent=1, ensure_ascii=False) + '\n'


def copies(folder, address):
    "A learner's files into a folder; ready to run where there is an address."
    for name, text in course_files(ROOT).items():
        if address and name.endswith('.ipynb'): text = ready_to_run(text, address)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding='utf-8', newline='\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', nargs='?', type=Path, default=ROOT / '_site')
    site, address, start = parser.parse_args().folder.resolve(), os.environ.get('SITE_ADDRESS', ''), time.perf_counter()
    if site.exists() and any(site.iterdir()) and not (site / '.nojekyll').exists():
        sys.exit(f'{site} holds something else than a site: name an empty folder.')
    with TemporaryDirectory() as temporary:
        source, made = Path(temporary, 'source'), Path(temporary, 'made')
        source.mkdir()
        write_source(source)
        command = [sys.executable, '-m', 'sphinx', '-b', 'html', '-q', '-W', '--keep-going', '-j', 'auto',
                   '-d', Path(temporary, 'doctrees'), source, made]
        if subprocess.call(list(map(str, command))):
            sys.exit('The site was not built, for the reasons above; what was there stays.')
        for page in made.rglob('*.html'): made_readable(page)
        copies(made / '_sources', address)  # the download button gives a learner's copy
        copies(made / 'lessons', address)
        (made / '.nojekyll').touch()
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(made, site)
    files = [path for path in site.rglob('*') if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f'{site / "index.html"}: {len(files)} files, {size:.1f} MB, {time.perf_counter() - start:.0f} s')


if __name__ == '__main__':
    main()
