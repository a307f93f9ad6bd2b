"Numbers in prose are tied to values: a hidden `said('phrase', …)` below them, whose phrase stands there word for word. Nothing is run here."
import ast
import re
import sys

import notebooks as tools
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / 'nbs'))
from guards import NOT_PROSE, numbers

NEAR = 3  # a guard speaks of so many cells of prose above it, back to the last guard: a sentence far away is another sentence

CLASS = (r'(?! (?:of|in|times|to|and [0-9]|more|pictures|pixels|threes|sevens|worst|best|others|runs|seeds|starts|steps|epochs|mistakes)\b'
         r'|[.,][0-9]|\s?%|\s?[×·/=+−])')  # what comes after a count, and not after the name of a class
EXCEPTIONS = [re.compile(pattern, re.MULTILINE) for pattern in (
    r'\b[Ll]essons? [01]\d(?:(?:,| and|, and| to| or) [01]\d\b)*',  # lessons by their numbers: test_notebooks follows the links
    r'^\d\. |\b[Qq]uestions? \d\b',                                 # marks of a list, numbers of questions
    r'\b(?:19|20)\d\d(?:-\d\d-\d\d)?\b',                            # years and dates
    r'^\*\d+ minutes, and \d+ for the exercises',                   # held in test_notebooks,
    r'^\| \d\d \| \[[^\]]*\][^|]*\| \d+ \|',                        # as the table of the index is
    r'(?<![\d,.])(?:28|784|255|256)\b(?![,.]\d|\s?%)',              # what a picture is: its sides, its pixels, what a byte holds
    r'\(\w+(?:, \w+)+\)|\(\w+,\)',                                  # shapes: the code beside them shows them
    r'\bax[ie]s \d\b',                                              # axes by their numbers
    r'\b(?:from|between) 0 (?:to|and) 1\b(?![,.]\d)|\b(?:above|below) 0\b(?![,.]\d)',  # the range of floats; the sign of a score
    r'\b1 for a 3,? and 0 for a 7\b',                               # the labels
    r'\b2[a-z]{1,2}\b|\b1 − (?=2?[a-z]\b)',                         # algebra: coefficients that hold for every x
    r'\bPython 3\.\d+\b|\bCC BY-SA \d\.\d|\bApache-\d\.\d',         # names; those like MP3 are no numbers for `numbers`
    # digits as the names of classes
    r'\b(?:[Aa]n?|[Tt]he|[Tt]his|[Tt]hat|[Oo]ur|[Ee]very|[Ee]ach|[Ii]deal|average|worst|second|say|says|said|called|digits?) [37]\b' + CLASS,
    r'\b(?:[Aa]n?|[Tt]he) [0-9]\b' + CLASS, r'\bnearer to (?:3|7)\b' + CLASS, r'\*[37]\*', r'\b3 (?:and|or) 7\b' + CLASS,
)]


class Book:
    "A notebook as far as its prose goes: cells as (kind, source), kind being 'prose', 'guard' (it calls said), or 'code'."
    def __init__(self, nb):
        self.cells = []
        for cell in nb.cells:
            kind = 'prose' if cell.cell_type == 'markdown' else 'guard' if re.search(r'\bsaid\(', cell.source) else 'code'
            assert kind != 'guard' or 'hide' in tools.directives(cell), f'`said` belongs into a hidden cell:\n{cell.source}'
            self.cells.append((kind, cell.source))
        self.windows = {}  # guard -> the cells of prose that it may speak of
        window, guarded = [], False
        for place, (kind, _) in enumerate(self.cells):
            if kind == 'prose':
                window, guarded = ([] if guarded else window)[1-NEAR:] + [place], False
            elif kind == 'guard':
                self.windows[place], guarded = window, True
        self.phrases = {place: list(phrases(self.cells[place][1])) for place in self.windows}

    def check(self, changed=None):
        "What is wrong, and where the tied numbers are: (complaints, {cell: spans}). changed: (cell, text) to read in its place."
        text = {place: source for place, (kind, source) in enumerate(self.cells) if kind == 'prose'}
        text.update([changed] if changed else [])
        complaints, tied = [], {place: [] for place in text}
        for guard, window in self.windows.items():
            for phrase in self.phrases[guard]:
                found = [(place, span) for place in window for span in places(phrase, text[place])]
                for place, span in found:
                    tied[place].append(span)
                if len(found) != 1:
                    complaints.append(f'said({phrase!r}): found {len(found)} times in the {len(window)} cells of prose above its guard, not once. '
                                      'Quote the sentence word for word, enough of it to be one place, in a cell right below it.')
        return complaints, tied

    def untied(self, tied):
        "The numbers that no phrase covers and no exception lets off, each with the words around it."
        for place, spans in tied.items():
            yield from loose(self.cells[place][1], spans)


def phrases(source):
    "The phrases of a guard. They are literal, and among their values is one that the lesson computes."
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, 'id', None) == 'said':
            phrase, *values = node.args
            assert isinstance(phrase, ast.Constant) and isinstance(phrase.value, str), f'a phrase is a literal string: {ast.unparse(node)}'
            assert any(isinstance(part, ast.Name) for value in values for part in ast.walk(value)), f'it ties nothing: {ast.unparse(node)}'
            yield phrase.value


def places(phrase, text):
    "Where a phrase stands, whatever the spaces and line ends between its words; a number is in it whole or not at all."
    for match in re.finditer(r'\s+'.join(map(re.escape, phrase.split())), text):
        (start, end), found = match.span(), numbers(text)
        whole = any(start <= n.start('digits') and n.end('digits') <= end for n in found)  # not of code alone
        if whole and not any(n.start() < cut < n.end() for n in found for cut in (start, end)):
            yield start, end


def loose(text, spans):
    "The numbers of a text outside the spans and the exceptions, each with the words around it."
    prose = NOT_PROSE.sub(lambda match: ' ' * len(match[0]), text)
    spans = spans + [match.span() for pattern in EXCEPTIONS for match in pattern.finditer(prose)]
    for n in numbers(text):
        if not any(start <= n.start('digits') and n.end('digits') <= end for start, end in spans):
            yield ' '.join(text[max(0, n.start() - 30):n.end() + 30].split())


BOOKS = {path.stem: Book(tools.read(path)) for path in tools.notebooks() if re.match(r'\d\d_|index$', path.stem)}
every_book = pytest.mark.parametrize('name', BOOKS)


@every_book
def test_every_phrase_of_a_guard_stands_in_the_prose_above_it(name):
    complaints, _ = BOOKS[name].check()
    assert not complaints, '\n'.join(complaints)


@every_book
def test_every_number_in_prose_is_tied(name):
    book = BOOKS[name]
    found = list(book.untied(book.check()[1]))
    assert not found, f'{name}: {len(found)} numbers without a `said`. Tie them:\n' + '\n'.join(found)


@every_book
def test_no_digit_of_a_tied_number_can_change_unseen(name):
    book = BOOKS[name]
    complaints, tied = book.check()
    before = {place: len(list(loose(book.cells[place][1], spans))) for place, spans in tied.items()}
    changes = 0
    for place, spans in tied.items():
        text = book.cells[place][1]
        digits = {at for n in numbers(text) if any(start <= n.start() and n.end() <= end for start, end in spans)
                  for at in range(n.start(), n.end()) if text[at] in '0123456789⁰¹²³⁴⁵⁶⁷⁸⁹'}
        for at in digits:
            row = '0123456789' if text[at] in '0123456789' else '⁰¹²³⁴⁵⁶⁷⁸⁹'
            changed = text[:at] + row[(row.index(text[at]) + 1) % 10] + text[at+1:]
            seen, now = book.check((place, changed))
            assert len(seen) > len(complaints) or len(list(loose(changed, now[place]))) > before[place], changed[max(0, at - 40):at + 40]
            changes += 1
    assert changes > 200 or name != '02_distances'


def book(*cells):
    "A notebook of prose and, from '#|' on, hidden cells."
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
    return Book(new_notebook(cells=[(new_code_cell if cell.startswith(('#|', 'said')) else new_markdown_cell)(cell) for cell in cells]))


def guard(*said):
    return '#| hide\n' + '\n'.join(f'said({phrase!r}, x)' for phrase in said)


@pytest.mark.parametrize('cells', [
    ('It is\u00a091.7\u202f% of\nall.', guard('is 91.7 % of all')), ('It is 5.', 'Then 6.', guard('is 5', 'Then 6')), ('5 it is.', guard('5 it is')),
    ('It is 5, then 6.', guard('is 5'), '#| hide\nx = 6', guard('then 6')), ('It is 15 and 5.', guard('5', '15'))])
def test_phrases_that_are_found(cells):
    complaints, tied = book(*cells).check()
    assert not complaints and not list(book(*cells).untied(tied))


@pytest.mark.parametrize('cells', [
    ('It is 5.', guard('is 6')), (guard('is 5'), 'It is 5.'), ('It is 5.', guard('is 5'), 'So.', guard('is 5')), ('It is 5.', 'a', 'b', 'c', guard('is 5')),
    ('It is 15.', guard('5')), ('It is 5.25.', guard('is 5')), ('It is .951.', guard('is .95')), ('It is −5.', guard('5')), ('It is 5 %.', guard('is 5')),
    ('It is 5. Yes, it is 5.', guard('is 5')), ('It is 2⁵⁴.', guard('is 2')), ('`It is 5.` 5,000', guard('5'))])
def test_phrases_that_are_not(cells):
    assert book(*cells).check()[0]


@pytest.mark.parametrize('source', ['said("is 5", x)', '#| hide\nsaid(f"is {5}", x)', '#| hide\nsaid("is 5", 5)', '#| hide\nsaid("is 5", 2 + 3)'])
def test_guards_that_tie_nothing_are_refused(source):
    with pytest.raises(AssertionError, match='hidden cell|literal|ties nothing'):
        book('It is 5.', source)


@pytest.mark.parametrize('text, count', [
    ('In lesson 05, lessons 03 to 05 and `x[5]`, [there](07_learner.ipynb).', 0), ('1. First\n2. Second, as question 3 says', 0), ('On 2026-11-25', 0),
    ('*40 minutes, and 20 for the exercises', 0), ('28 × 28 = 784 pixels from 0 to 255, MP3 and float32, (n, 28, 28)', 1), ('tell a 3 from a 7', 0),
    ('tell an 8 from the 9', 0), ('a 3 of 10', 2), ('3 of 10, 7 times', 3), ('5 of 10', 2), ('28.5 %', 1), ('1,028 and 12,396', 2), ('.966', 1), ('2,007', 1),
    ('says 7 too often', 0), ('lesson 5', 1), ('(12,396) and (1,010)', 2), ('[see 8 of 9](x.ipynb)', 2), ('between 0 and 1.5', 2), ('above 0.5', 1)])
def test_exceptions(text, count):
    assert len(list(loose(text, []))) == count, list(loose(text, []))
