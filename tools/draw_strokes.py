"""Write digits_uth/assets/strokes.json, the drawings made for the course, from the curves below, which were drawn by eye.

    python tools/draw_strokes.py

A digit in a hand is a line of points on a square of 100 by 100, y downward, through which a smooth curve runs. After `/` the pen
turns sharply and goes on; after `|` it was lifted. A hand leans, trembles and hurries as its line in HANDS says.
"""
import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / 'digits_uth' / 'assets' / 'strokes.json'
EVERY = .037  # seconds from point to point; less or more where a drawing would have too few or too many

# width of the pen as a share of the side; lean: how far the top is to the right of the foot; speed in sides a second;
# how far a hand wanders and trembles
HANDS = {
    'a': dict(about='upright and round', width=.07, lean=0, speed=2.4, wander=.005, tremble=0),
    'b': dict(about='leans to the right', width=.05, lean=.22, speed=2.7, wander=.005, tremble=0),
    'c': dict(about='left-handed, leans to the left', width=.08, lean=-.2, speed=2.4, wander=.006, tremble=0),
    'd': dict(about='shaky', width=.06, lean=.06, speed=2, wander=.008, tremble=.006),
    'e': dict(about='quick, with a thick pen', width=.11, lean=.1, speed=3, wander=.006, tremble=0),
}

CURVES = '''
0a plain | 54 16, 38 20, 28 38, 27 60, 36 80, 52 85, 67 76, 74 55, 71 33, 60 19, 50 17
0b narrow | 52 15, 40 22, 34 42, 35 66, 44 84, 57 83, 65 66, 66 40, 60 22, 49 15, 42 18
0c clockwise | 46 17, 62 20, 72 38, 71 62, 60 81, 45 84, 31 72, 27 50, 33 27, 48 16
0d not quite closed | 52 16, 36 25, 29 48, 35 74, 51 84, 68 72, 73 48, 67 27, 56 19
0e wide | 56 20, 38 21, 24 38, 23 60, 36 79, 56 80, 74 66, 77 44, 68 26, 52 19, 44 22
1a a plain stroke | 51 14, 50 40, 49 62, 48 86
1b with an upstroke and a foot | 38 33, 46 26, 54 14 / 54 38, 53 62, 53 84 | 39 85, 53 84, 68 84
1c with an upstroke | 38 31, 46 24, 54 13 / 53 40, 54 64, 53 87
1d with a foot | 52 15, 51 38, 50 62, 50 84 | 34 85, 50 84, 67 86
1e a plain stroke | 52 16, 50 38, 49 60, 48 83
2a without a loop | 29 34, 33 21, 47 14, 62 18, 68 31, 62 47, 47 64, 28 83 / 45 82, 60 84, 74 82
2b with a loop | 33 32, 37 19, 50 14, 63 21, 64 36, 55 54, 43 71, 33 82, 25 80, 29 72, 43 77, 58 86, 73 79
2c angular | 29 30, 41 17, 58 17, 68 29, 62 45, 44 64, 29 82 / 50 81, 75 84
2d without a loop | 31 30, 42 17, 58 17, 66 30, 58 48, 44 66, 30 83 / 48 84, 71 81
2e with a wavy foot | 28 32, 40 18, 60 19, 67 35, 56 54, 42 68, 27 82 / 36 75, 48 77, 60 83, 78 79
3a with a round top | 31 26, 42 16, 57 15, 66 25, 62 39, 46 46 / 60 49, 70 61, 67 77, 52 86, 37 84, 28 75
3b with a flat top | 26 20, 46 17, 70 16 / 58 29, 48 40 / 58 45, 62 58, 54 74, 40 88
3c with a round top | 30 21, 48 14, 65 21, 63 35, 45 46 / 62 48, 72 63, 62 79, 44 87, 28 80
3d with a small head | 36 25, 46 17, 58 20, 60 33, 46 42 / 64 46, 72 61, 64 79, 46 86, 30 80
3e with a curl in the middle | 29 28, 42 17, 60 18, 66 31, 56 44, 42 48, 48 42, 64 50, 71 65, 62 80, 44 83, 28 74
4a open | 39 16, 35 34, 27 56 / 42 58, 58 56, 76 57 | 62 28, 60 45, 59 63, 57 87
4b closed | 60 14, 44 38, 27 60 / 50 61, 76 59 | 60 14, 60 50, 59 87
4c open and angular | 32 17, 30 38, 28 54 / 48 54, 74 53 | 66 16, 65 50, 66 86
4d open | 40 17, 35 36, 29 54 / 50 55, 73 56 | 62 22, 60 50, 59 85
4e closed, in one line | 27 64, 45 41, 62 17 / 61 45, 59 84 | 26 64, 50 63, 77 61
5a with the hat last | 43 17, 40 32, 37 45 / 50 41, 64 45, 70 60, 64 77, 48 86, 31 80 | 43 17, 55 18, 70 15
5b in one line | 69 17, 54 17, 42 18 / 39 32, 37 45 / 50 40, 63 44, 69 58, 64 75, 50 85, 34 82, 27 76
5c with the hat last | 36 18, 35 34, 34 46 / 48 41, 64 47, 69 63, 60 80, 44 85, 28 79 | 36 18, 52 17, 68 18
5d in one line | 67 18, 52 18, 39 18 / 37 32, 35 47 / 50 42, 65 49, 69 64, 60 79, 44 85, 29 78
5e with the hat last | 38 20, 36 33, 34 45 / 50 41, 66 48, 70 62, 60 78, 44 82, 26 74 | 39 20, 54 20, 74 17
6a plain | 60 14, 44 27, 32 48, 30 68, 39 83, 54 85, 66 75, 66 61, 55 53, 41 57, 31 69
6b curled at the top | 63 20, 54 14, 41 25, 33 46, 32 68, 41 84, 55 84, 64 72, 62 58, 49 54, 37 61, 33 72
6c straight | 54 14, 40 32, 31 52, 32 72, 44 85, 60 82, 67 69, 58 57, 44 58, 32 68
6d plain | 58 15, 43 30, 33 52, 33 72, 45 85, 60 81, 66 68, 57 57, 43 60, 34 71
6e wide | 58 16, 40 32, 27 54, 30 74, 46 83, 64 78, 71 65, 62 54, 46 56, 32 67
7a plain | 26 21, 45 20, 73 18 / 62 38, 52 60, 45 86
7b steep, with a bar | 42 24, 43 17 / 54 19, 68 17 / 52 40, 38 62, 24 86 | 34 52, 50 50, 66 51
7c with a bar and a curved stem | 27 20, 50 18, 74 20 / 66 34, 58 54, 56 70, 55 87 | 38 50, 54 50, 72 51
7d plain | 29 20, 48 19, 71 20 / 61 40, 53 62, 48 85
7e with a bar | 26 23, 50 20, 76 20 / 66 38, 56 58, 48 82 | 40 52, 56 50, 73 51
8a in one line | 62 26, 51 15, 37 20, 35 34, 49 47, 64 60, 66 76, 52 86, 36 80, 33 66, 46 51, 60 38, 63 25
8b from the middle | 50 48, 38 36, 39 21, 51 14, 62 21, 61 36, 50 48, 37 60, 35 76, 48 86, 62 80, 64 65, 50 48
8c of two rings | 50 16, 38 21, 37 35, 49 45, 62 37, 62 22, 50 16 | 49 45, 34 56, 33 74, 48 86, 65 77, 66 58, 49 45
8d in one line | 63 25, 51 16, 39 22, 39 36, 51 48, 64 61, 64 77, 50 85, 36 77, 37 62, 50 49, 62 36, 63 24
8e not quite closed | 70 24, 54 17, 38 20, 36 34, 51 46, 66 59, 66 75, 50 83, 34 76, 36 61, 51 49, 64 39
9a with a straight stem | 66 27, 54 16, 40 20, 33 34, 40 47, 54 46, 65 34, 67 22 / 67 45, 65 65, 62 86
9b with a curled stem | 65 23, 52 15, 38 22, 35 38, 45 49, 58 44, 66 26 / 68 48, 66 70, 56 85, 42 85, 36 77
9c with a straight stem | 64 24, 50 16, 35 24, 34 40, 48 49, 62 40, 66 22 / 66 50, 68 87
9d with a stem that crosses the ring | 74 33, 60 45, 45 47, 35 36, 40 21, 54 15, 64 24, 65 44, 61 66, 55 86
9e with a straight stem | 68 28, 55 18, 38 21, 31 35, 40 47, 56 44, 69 26 / 67 46, 63 64, 57 82
'''


def curve(points, steps=60):
    "A smooth line through all points (Catmull–Rom, centripetal), as dense points, and how sharply it bends at each."
    p = np.array(points, float)
    k = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1)**.5)])
    dk = np.diff(k)[:, None]
    v = np.diff(p, axis=0) / dk
    slopes = np.vstack([v[:1], (v[:-1] * dk[1:] + v[1:] * dk[:-1]) / (dk[:-1] + dk[1:]), v[-1:]])
    if len(p) > 2: slopes[0], slopes[-1] = 1.5 * v[0] - .5 * slopes[1], 1.5 * v[-1] - .5 * slopes[-2]  # its ends bend evenly
    u = np.linspace(0, 1, steps, endpoint=False)[:, None]
    line = [(1 + 2*u) * (1 - u)**2 * p[i] + u * (1 - u)**2 * dk[i] * slopes[i] + u**2 * (3 - 2*u) * p[i + 1]
            + u**2 * (u - 1) * dk[i] * slopes[i + 1] for i in range(len(p) - 1)]
    line = np.vstack([*line, p[-1:]])
    step = np.gradient(line, axis=0)
    turn = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    return line, np.abs(np.gradient(turn)) / np.maximum(np.linalg.norm(step, axis=1), 1e-6)


def timed(points, speed, start):
    "The curve as a pen runs along it from a moment on, as dense points [x, y, t]: slower in bends, at the beginning and at the end."
    line, bend = curve(points)
    length = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.cumsum(length) - length / 2
    pace = speed * (.35 + .65 * np.sin(np.pi * along / length.sum())) / (1 + (.14 * bend[1:])**(2 / 3))
    return np.column_stack([line, start + np.concatenate([[0], np.cumsum(length / pace)])])


def sampled(curve, every):
    "The points of a timed curve, one every so many seconds, its ends among them."
    x, y, t = curve.T
    at = np.linspace(t[0], t[-1], max(4, round((t[-1] - t[0]) / every) + 1))
    return np.column_stack([np.interp(at, t, x), np.interp(at, t, y), at])


def swing(t, phase, *rates):
    "A movement to and fro within ±1 that doesn't repeat soon: some swings at so many a second."
    return sum(np.sin(2 * np.pi * rate * t + phase * rate) for rate in rates) / len(rates)


def drawing(name, note, strokes):
    "A line of CURVES as the file has it."
    digit, hand, now, curves = int(name[0]), HANDS[name[1]], 0., []
    for stroke in strokes:
        pen, parts = [], []
        for part in stroke.split('/'):
            pen = pen[-1:] + [[float(v) / 100 for v in point.split()] for point in part.split(',')]
            parts.append(timed(pen, hand['speed'], now))
            now = parts[-1][-1, 2]
        curves.append(parts)
        now += .25  # the pen moves to the next stroke
    took = now - .25
    every, phase = np.clip(EVERY, took / 55, took / 16), digit + 10 * 'abcde'.index(name[1])
    drawn = []
    for parts in curves:
        parts = [sampled(part, every) for part in parts]
        x, y, t = np.vstack([*[part[:-1] for part in parts[:-1]], parts[-1]]).T  # a corner is one point
        x = x + hand['lean'] * (.5 - y) + hand['wander'] * swing(t, phase, .9, 1.5) + hand['tremble'] * swing(t, phase, 5, 7.7)
        y = y + hand['wander'] * swing(t, phase + 2, .8, 1.7) + hand['tremble'] * swing(t, phase + 2, 4.4, 8.2)
        drawn.append([[round(float(v), 3) for v in point[:2]] + [round(float(point[2]), 2)] for point in zip(x, y, t, strict=True)])
    return dict(digit=digit, hand=name[1], note=note, width=hand['width'], strokes=drawn)


def drawings():
    "All drawings, in order of digit and hand."
    lines = [line.split(' | ') for line in CURVES.strip().splitlines()]
    return [drawing(head[:2], head[3:], strokes) for head, *strokes in lines]


def text(drawings):
    "The file: a drawing a line."
    rows = [json.dumps(d, separators=(',', ':')) for d in drawings]
    return '{"drawings":[\n' + ',\n'.join(rows) + '\n]}\n'


if __name__ == '__main__':
    FILE.write_text(text(drawings()), encoding='utf-8', newline='\n')
    print(f'{FILE}: {len(drawings())} drawings, {FILE.stat().st_size:,} bytes')
