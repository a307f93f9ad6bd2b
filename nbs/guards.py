"Ties prose to values: a hidden cell says which phrase of the text above it holds which values (CONTRIBUTING.md)."
import re
from decimal import Decimal

# What isn't prose: code, the address of a link, tags.
NOT_PROSE = re.compile(r'```.*?```|`[^`]*`|(?<=\])\([^)\s]*\)|https?://\S+|</?\w[^>\n]*>', re.DOTALL)
# `12,396`, `.966`, `−.0048`, `5.2e-05`, `2⁵⁴`, `91.7 %`. Digits inside a word, as in MP3, are no number; a − between two things is no sign.
NUMBER = re.compile(r'(?P<sign>(?<![\w.)\]])[-−])?(?<![\w.])(?P<digits>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)'
                    r'(?P<e>e[-+]?[0-9]+)?(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?(?P<percent>\s?%)?')
SUPERSCRIPTS = str.maketrans('⁰¹²³⁴⁵⁶⁷⁸⁹', '0123456789')


def numbers(text):
    "The numbers of a text, as matches of NUMBER. Its code spans, addresses and tags have none."
    return list(NUMBER.finditer(NOT_PROSE.sub(lambda match: ' ' * len(match[0]), text)))


def written(number):
    "The Decimal that a number says, with as many decimals as are written. The ² of `.25²` is left to the sentence, that of `28²` isn't."
    value = Decimal(number['digits'].replace(',', '') + (number['e'] or ''))
    if number['power'] and '.' not in number['digits']:
        value **= int(number['power'].translate(SUPERSCRIPTS))
    return -value if number['sign'] else value


def said(
    phrase,       # words of the sentence above, with one number or more
    *values,      # a value for each number, in order: numbers or tensors of one; a share where "%" is written
    within=None,  # how far off a value may be, in the unit written, where a start or a machine decides; None: rounding only
):
    "Raise an AssertionError unless each value, rounded as its number is written, is that number."
    found = numbers(phrase)
    if not found or len(found) != len(values):
        written_there = ', '.join(n[0] for n in found)
        raise ValueError(f'said({phrase!r}): expected a value for each number of the phrase, {len(found)} ({written_there}); '
                         f'{len(values)} came. Give one for each, in order, or cut the phrase.')
    for number, value in zip(found, values, strict=True):
        target, value = written(number), float(value) * (100 if number['percent'] else 1)
        room = .5 * 10.0**target.as_tuple().exponent if within is None else within
        # A value half-way may be rounded either way; 2e-7 is float32's own rounding.
        assert abs(value - float(target)) <= room + 2e-7 * abs(float(target)), (
            f'said({phrase!r}): {number[0]} is written, and the value is {value:,.7g}{" %" if number["percent"] else ""}'
            f'{"" if within is None else f", not within {within}"}. Mend the sentence, or find out why the value changed.')
