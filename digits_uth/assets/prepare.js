// digits_uth.preparation and digits_uth.strokes.draw in the browser: the same steps under the same names, so that the same
// drawing becomes the same 28 x 28 greys. A map is { values, height, width }, its values float32 where Python's are: Math.fround
// stands wherever NumPy rounds to float32, because a border such as Otsu's may hang on the last bit.

const { fround, min, max, abs, floor, ceil, sqrt } = Math;
const SIDE = 256, WINDOW = SIDE / 2, MOST = 2048;
const LESSON = / \(lesson \d+\)/;

const map = (height, width, values = new Float32Array(height * width)) => ({ values, height, width });
const longer = x => max(x.height, x.width);
const clamp = (v, lo, hi) => min(hi, max(lo, v));

function round(v) {  // as Python does: a half goes to the even neighbour
  const low = floor(v), rest = v - low;
  return rest > .5 || (rest === .5 && low % 2 !== 0) ? low + 1 : low;
}

function sum(values) {
  let total = 0;
  for (let i = 0; i < values.length; i += 1) total += values[i];
  return total;
}

function mapped(values, f, Kind = Float32Array) {  // a loop: TypedArray.from takes ten times as long
  const out = new Kind(values.length);
  for (let i = 0; i < values.length; i += 1) out[i] = f(values[i], i);
  return out;
}

function refuse(expected, came, cure) {
  throw new Error(`picture: expected ${expected}, got ${came}; ${cure} (lesson 00).`);
}

// ---- along rows and columns: a filter of one line, for all rows and then for all columns, or the other way round

function columnsOf(x) {  // rows become columns
  const { height, width, values } = x, turned = new values.constructor(values.length);
  for (let i = 0; i < height; i += 1) for (let j = 0; j < width; j += 1) turned[j * height + i] = values[i * width + j];
  return map(width, height, turned);
}

function alongRows(x, line, length = x.width) {  // line(from, at, n, to, at): n values of `from` become `length` of `to`
  const out = map(x.height, length, new x.values.constructor(x.height * length));
  for (let i = 0; i < x.height; i += 1) line(x.values, i * x.width, x.width, out.values, i * length);
  return out;
}

const alongColumns = (x, line, length = x.height) => columnsOf(alongRows(columnsOf(x), line, length));
const alongBoth = (x, line) => alongRows(alongColumns(x, line), line);  // SciPy's order: the columns first

function beyond(values, at, n, before, after) {  // a line with what lies around it: its mirror image, as SciPy's 'reflect'
  const out = new Float64Array(before + n + after);
  for (let k = 0; k < n; k += 1) out[k + before] = values[at + k];
  for (let k = -before; k < 0; k += 1) out[k + before] = values[at + mirrored(k, n)];
  for (let k = n; k < n + after; k += 1) out[k + before] = values[at + mirrored(k, n)];
  return out;
}

function mirrored(k, n) {
  const place = ((k % (2 * n)) + 2 * n) % (2 * n);
  return place < n ? place : 2 * n - 1 - place;
}

function gaussian(sigma) {
  const reach = floor(4 * sigma + .5), weights = [];
  for (let k = 0; k <= reach; k += 1) weights.push(Math.exp(-.5 / (sigma * sigma) * k * k));
  const total = weights[0] + 2 * sum(weights.slice(1));
  return (values, at, n, out, to) => {
    const line = beyond(values, at, n, reach, reach);
    for (let i = 0; i < n; i += 1) {
      let v = line[i + reach] * (weights[0] / total);
      for (let k = reach; k > 0; k -= 1) v += (line[i + reach - k] + line[i + reach + k]) * (weights[k] / total);
      out[to + i] = v;
    }
  };
}

// The largest of a window that slides, or the least. The line is cut into blocks as long as the window: a window is the end of one
// and the begin of the next, and the largest of each end and each begin is found on one way through the line, back and forth.
function extreme(before, after, largest) {
  const size = before + after + 1, sign = largest ? 1 : -1;
  let line = new Float32Array(0), ends = line;
  return (values, at, n, out, to) => {
    const count = before + n + after;
    if (line.length !== count) { line = new Float32Array(count); ends = new Float32Array(count); }
    for (let k = 0; k < n; k += 1) line[k + before] = sign * values[at + k];
    for (let k = -before; k < 0; k += 1) line[k + before] = sign * values[at + mirrored(k, n)];
    for (let k = n; k < n + after; k += 1) line[k + before] = sign * values[at + mirrored(k, n)];
    for (let start = 0; start < count; start += size) {
      const stop = min(start + size, count);
      let most = -Infinity;
      for (let k = stop - 1; k >= start; k -= 1) {
        if (line[k] > most) most = line[k];
        ends[k] = most;
      }
      most = -Infinity;
      for (let k = start; k < stop; k += 1) {
        if (line[k] > most) most = line[k];
        line[k] = most;  // from here on, the largest since the block's begin
      }
    }
    for (let k = 0; k < n; k += 1) out[to + k] = sign * (ends[k] > line[k + size - 1] ? ends[k] : line[k + size - 1]);
  };
}

function mean(size) {  // of a window that slides, as SciPy's uniform_filter
  const before = size >> 1;
  return (values, at, n, out, to) => {
    const line = beyond(values, at, n, before, size - before - 1);
    let v = 0;
    for (let k = 0; k < size; k += 1) v += line[k];
    v /= size;
    out[to] = v;
    for (let i = 1; i < n; i += 1) out[to + i] = v += (line[i + size - 1] - line[i - 1]) / size;
  };
}

// ---- another size, as Pillow does it: each new pixel is a weighted mean of the old ones below it

const BOX = { support: .5, weight: x => x > -.5 && x <= .5 ? 1 : 0 };
const BICUBIC = { support: 2, weight: x => {
  const a = -.5, d = abs(x);
  return d < 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
} };

function shares(from, to, how) {  // for each new pixel, the first old one and the weights from there on
  const scale = from / to, wide = max(scale, 1), support = how.support * wide;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + .5) * scale;
    const first = max(0, Math.trunc(centre - support + .5)), end = min(from, Math.trunc(centre + support + .5)), weights = [];
    for (let k = first; k < end; k += 1) weights.push(how.weight((k - centre + .5) * (1 / wide)));
    const total = sum(weights);
    return [first, weights.map(w => total ? w / total : w)];
  });
}

function resizeLine(from, to, how, whole) {  // `whole`: of bytes, with weights in 22 bits, as Pillow does
  const all = shares(from, to, how).map(([first, weights]) => [first, Float64Array.from(weights, w => whole ? Math.trunc(.5 + w * (1 << 22)) : w)]);
  return (values, at, n, out, o) => {
    for (let i = 0; i < to; i += 1) {
      const [first, weights] = all[i];
      let v = whole ? 1 << 21 : 0;
      for (let k = 0; k < weights.length; k += 1) v += values[at + first + k] * weights[k];
      out[o + i] = whole ? clamp(v >> 22, 0, 255) : v;
    }
  };
}

function resize(x, height, width, how) {
  const whole = x.values instanceof Uint8Array;
  if (width !== x.width) x = alongRows(x, resizeLine(x.width, width, how, whole), width);
  if (height !== x.height) x = alongColumns(x, resizeLine(x.height, height, how, whole), height);
  return x;
}

function longerSide(x, side) {
  const most = longer(x), [height, width] = [x.height, x.width].map(n => max(1, round(n * side / most)));
  return resize(x, height, width, side <= most ? BOX : BICUBIC);
}

// ---- what is given, as greys from 0 to 1

// Pixels of a canvas, { data, height, width } in red, green, blue and alpha, as greys of whole numbers like Pillow's.
function greyOf({ data, height, width }) {
  const out = map(height, width, new Uint8Array(height * width));
  const weights = new Float64Array(2);  // of what can be seen: its greys, and how much there is
  const grey = (r, g, b) => (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  let clear = false;
  for (let i = 0; i < out.values.length; i += 1) {
    const seen = data[4 * i + 3];
    out.values[i] = grey(data[4 * i], data[4 * i + 1], data[4 * i + 2]);
    weights[0] += seen * out.values[i];
    weights[1] += seen;
    clear ||= seen < 255;
  }
  if (!clear) return out;
  if (!weights[1]) refuse('a picture with something to see', 'one that is transparent all over', 'draw on it, or save it without transparency');
  const paper = weights[0] / weights[1] < 128 ? 255 : 0;  // white where what can be seen is dark
  const laid = (v, seen) => floor((v * seen + paper * (255 - seen)) / 255 + .5);
  for (let i = 0; i < out.values.length; i += 1) {
    const seen = data[4 * i + 3];
    out.values[i] = grey(laid(data[4 * i], seen), laid(data[4 * i + 1], seen), laid(data[4 * i + 2], seen));
  }
  return out;
}

function contained(grey) {  // at most 2,048 pixels a side
  const { height, width } = grey;
  if (longer(grey) <= MOST) return grey;
  return width > height ? resize(grey, round(height / width * MOST), MOST, BOX)
    : resize(grey, MOST, width === height ? MOST : round(width / height * MOST), BOX);
}

function scaled(grey) {  // bytes as float32 from 0 to 1
  return map(grey.height, grey.width, mapped(grey.values, v => v / 255));
}

// ---- paper and ink

function darkOnLight(x) {
  const n = WINDOW / 2, filter = largest => alongBoth(alongBoth(x, extreme(n / 2, n / 2 - 1, largest)), mean(n));
  const least = filter(false), most = filter(true);
  let votes = 0;
  for (let i = 0; i < x.values.length; i += 1) {
    const a = least.values[i], b = most.values[i];
    votes += Math.sign(fround(x.values[i] - fround(fround(a + b) / 2))) * fround(b - a);  // who sees no ink has no vote
  }
  return votes >= 0 ? x : map(x.height, x.width, mapped(x.values, v => 1 - v));
}

const even = grey => darkOnLight(alongBoth(longerSide(grey, SIDE), gaussian(1)));

function padded(x, n, how) {  // 'edge', 'symmetric', or zeros
  const out = map(x.height + 2 * n, x.width + 2 * n, new x.values.constructor((x.height + 2 * n) * (x.width + 2 * n)));
  const place = (k, size) => how === 'symmetric' ? mirrored(k, size) : how === 'edge' || (k >= 0 && k < size) ? clamp(k, 0, size - 1) : -1;
  const columns = Array.from({ length: out.width }, (_, j) => place(j - n, x.width));
  for (let i = 0; i < out.height; i += 1) {
    const row = place(i - n, x.height);
    if (row < 0) continue;
    for (let j = 0; j < out.width; j += 1) if (columns[j] >= 0) out.values[i * out.width + j] = x.values[row * x.width + columns[j]];
  }
  return out;
}

function cut(x, top, bottom, left, right) {
  const out = map(bottom - top, right - left, new x.values.constructor((bottom - top) * (right - left)));
  for (let i = top; i < bottom; i += 1) out.values.set(x.values.subarray(i * x.width + left, i * x.width + right), (i - top) * out.width);
  return out;
}

function paperOf(x, around) {
  const n = WINDOW / 2, p = padded(x, n, around);
  const closed = alongBoth(alongBoth(p, extreme(n - 1, n, true)), extreme(n, n - 1, false));
  return alongBoth(cut(closed, n, n + x.height, n, n + x.width), gaussian(2));
}

// ---- which pixels are the digit's

function threshold({ values }) {  // Otsu's, with the counts of numpy.histogram in 256 steps
  let first = Infinity, last = -Infinity;
  for (let i = 0; i < values.length; i += 1) { first = min(first, values[i]); last = max(last, values[i]); }
  if (first === last) { first -= .5; last += .5; }
  const edges = new Float32Array(257), counts = new Float64Array(256), span = fround(last - first), step = (last - first) / 256;
  for (let k = 0; k < 256; k += 1) edges[k] = first + k * step;
  edges[256] = last;
  for (let i = 0; i < values.length; i += 1) {
    const v = values[i];
    let k = Math.trunc(fround(fround(fround(v - first) / span) * 256));
    if (k === 256) k = 255;
    if (v < edges[k]) k -= 1;
    if (v >= edges[k + 1] && k !== 255) k += 1;
    counts[k] += 1;
  }
  const middles = new Float32Array(256);
  for (let k = 0; k < 256; k += 1) middles[k] = fround(edges[k] + edges[k + 1]) / 2;
  const total = values.length;
  let all = 0, below = 0, part = 0, best = -1, found = 0;
  for (let k = 0; k < 256; k += 1) all += counts[k] * middles[k];
  for (let k = 0; k < 256; k += 1) {
    below += counts[k];
    part += counts[k] * middles[k];
    const apart = part / max(below, 1) - (all - part) / max(total - below, 1), value = below * (total - below) * apart * apart;
    if (value > best) { best = value; found = middles[k]; }
  }
  return found;
}

function joined(mask) {  // 8-connected pieces: a label a pixel, from 1 on, and for each piece its box and area
  const { height, width } = mask, labels = new Int32Array(height * width), pieces = [], stack = [];
  for (let start = 0; start < labels.length; start += 1) {
    if (!mask.values[start] || labels[start]) continue;
    const piece = { top: height, bottom: 0, left: width, right: 0, area: 0 };
    pieces.push(piece);
    labels[start] = pieces.length;
    stack.push(start);
    while (stack.length) {
      const at = stack.pop(), r = floor(at / width), c = at % width;
      piece.area += 1;
      piece.top = min(piece.top, r);
      piece.bottom = max(piece.bottom, r + 1);
      piece.left = min(piece.left, c);
      piece.right = max(piece.right, c + 1);
      for (let i = max(r - 1, 0); i <= min(r + 1, height - 1); i += 1) {
        for (let j = max(c - 1, 0); j <= min(c + 1, width - 1); j += 1) {
          const next = i * width + j;
          if (mask.values[next] && !labels[next]) { labels[next] = pieces.length; stack.push(next); }
        }
      }
    }
  }
  return [labels, pieces];
}

const longest = box => max(box.bottom - box.top, box.right - box.left);

function boxOf(x, is) {  // the rows and columns where something is
  const box = { top: x.height, bottom: 0, left: x.width, right: 0 };
  for (let i = 0; i < x.height; i += 1) {
    for (let j = 0; j < x.width; j += 1) {
      if (!is(x.values[i * x.width + j])) continue;
      if (i < box.top) box.top = i;
      if (i >= box.bottom) box.bottom = i + 1;
      if (j < box.left) box.left = j;
      if (j >= box.right) box.right = j + 1;
    }
  }
  return box;
}

function piecesOf(ink) {
  const border = threshold(ink), { height, width } = ink;
  const [labels, pieces] = joined(map(height, width, mapped(ink.values, v => v > border, Uint8Array)));
  const edges = p => [[p.top, p.bottom, height], [p.left, p.right, width]].map(([start, stop, size]) => (start <= 3) + (stop >= size - 3));
  const spans = (p, share) => longest(p) >= share * SIDE;
  let kept = pieces.filter(p => !edges(p).some(Boolean));
  if (!kept.some(p => spans(p, 1 / 4))) {
    const small = kept.some(p => spans(p, 1 / 16));
    kept = pieces.filter(p => !(small && edges(p).includes(2)));
  }
  const most = max(...kept.map(p => p.area));
  kept = kept.filter(p => p.area >= .05 * most);
  const ours = new Uint8Array(pieces.length + 1);
  for (const p of kept) ours[pieces.indexOf(p) + 1] = 1;
  return { kept: map(height, width, mapped(labels, l => ours[l], Uint8Array)), boxes: kept, border };
}

// ---- nearer and nearer

function around(grey, box, spare) {
  const scale = longer(grey) / SIDE, room = spare * longest(box);
  const ends = (start, stop, size) => [max(0, Math.trunc((start - room) * scale)), min(size, Math.trunc((stop + room) * scale))];
  const [top, bottom] = ends(box.top, box.bottom, grey.height), [left, right] = ends(box.left, box.right, grey.width);
  return bottom > top && right > left ? cut(grey, top, bottom, left, right) : null;
}

function found(grey) {
  const [first, second] = longer(grey) > 16 ? ['edge', 'symmetric'] : ['symmetric', 'edge'];
  try { return looked(grey, first); } catch (refused) {
    try { return looked(grey, second); } catch { throw refused; }
  }
}

function looked(grey, side) {  // at most three looks
  let page = true;
  for (let look = 0; ; look += 1) {
    const x = even(grey), paper = paperOf(x, side);
    const ink = map(x.height, x.width, mapped(x.values, (v, i) => max(0, fround(paper.values[i] - v))));
    const { kept, boxes, border } = piecesOf(ink);
    if (page) refuseFaint(ink, kept, border);
    const box = boxOf(kept, Boolean), [height, width] = [box.bottom - box.top, box.right - box.left];
    page = sum(kept.values) / (height * width) > .8 && min(height, width) > .5 * longest(box);
    const nearer = around(grey, box, page ? -.03 : 1 / 3);
    if (look < 2 && nearer && (page || longest(box) < .4 * SIDE)) { grey = nearer; continue; }
    refuseOdd(kept, boxes, longest(box) * longer(grey) / SIDE);
    return [ink, kept];
  }
}

function picked(values, is) {
  const out = new Float32Array(values.length);
  let n = 0;
  for (let i = 0; i < values.length; i += 1) if (is(values[i], i)) { out[n] = values[i]; n += 1; }
  return out.subarray(0, n);
}

function full(ink, kept) {  // the 90th percentile of the digit's ink
  const values = picked(ink.values, (_, i) => kept.values[i]).sort(), place = (values.length - 1) * .9, i = floor(place), t = place - i;
  const [a, b] = [values[i], values[min(i + 1, values.length - 1)]];
  return fround(t >= .5 ? b - fround(b - a) * (1 - t) : a + fround(b - a) * t);
}

function refuseFaint(ink, kept, border) {
  const rest = picked(ink.values, v => v <= border);
  const contrast = kept.values.includes(1) && rest.length ? full(ink, kept) - sum(rest) / rest.length : 0;
  if (contrast < .1) refuse('ink that differs from its paper by at least .10 of the way from black to white', contrast.toFixed(2),
    'take a darker pen or more light, or show a picture with something in it');
}

function refuseOdd(kept, boxes, size) {
  if (round(size) < 8) refuse('a digit of at least 8 pixels', round(size), 'take the photograph from nearby');
  const share = sum(kept.values) / kept.values.length;
  if (share > .45) refuse('ink on at most 45 % of the picture', `${round(100 * share)}%`, 'leave more paper around the digit, or take a thinner pen');
  const tallest = max(...boxes.map(b => b.bottom - b.top)), tall = boxes.filter(b => b.bottom - b.top >= .6 * tallest);
  if (tall.some(a => tall.some(b => a.bottom <= b.top || a.right <= b.left))) {
    refuse('one digit', `${tall.length} pieces of about the same height, side by side or one above the other`,
      'cut the picture so that one digit is left, and draw it without a gap');
  }
}

// ---- in form

function inked(ink, kept) {  // the digit alone, with the grey rim of its strokes
  const near = alongBoth(padded(kept, 2), extreme(2, 2, true)), most = full(ink, kept);
  return map(ink.height, ink.width, mapped(ink.values, (v, i) => {
    const r = floor(i / ink.width), c = i % ink.width;
    return near.values[(r + 2) * near.width + c + 2] ? clamp(fround(v / most), 0, 1) : 0;
  }));
}

function depth(mask) {  // the mean distance from the mask's pixels to the nearest other one: columns, then the lower hull of parabolas
  const { height, width } = mask, rows = new Float64Array(height * width), far = height + width;
  for (let j = 0; j < width; j += 1) {
    for (let i = 0, d = far; i < height; i += 1) { d = mask.values[i * width + j] ? d + 1 : 0; rows[i * width + j] = d; }
    for (let i = height - 1, d = far; i >= 0; i -= 1) { d = mask.values[i * width + j] ? d + 1 : 0; rows[i * width + j] = min(d, rows[i * width + j]); }
  }
  let total = 0, n = 0;
  for (let i = 0; i < height; i += 1) {
    for (let j = 0; j < width; j += 1) {
      if (!mask.values[i * width + j]) continue;
      let best = Infinity;
      for (let k = 0; k * k < best && k < width; k += 1) {
        if (j >= k) best = min(best, k * k + rows[i * width + j - k] ** 2);
        if (j + k < width) best = min(best, k * k + rows[i * width + j + k] ** 2);
      }
      total += sqrt(best);
      n += 1;
    }
  }
  return total / n;
}

function widened(x, kept) {  // by a disc: for each row of it, the largest within its width
  const more = round((.1 * longest(boxOf(kept, Boolean)) - 4 * depth(kept)) / 2);
  if (more < 1) return x;
  const p = padded(x, more), out = map(p.height, p.width);
  for (let r = 0; r <= more; r += 1) {
    const reach = floor(sqrt((more + .5) ** 2 - r * r)), wide = alongRows(p, extreme(reach, reach, true));
    for (const by of r ? [-r, r] : [0]) {
      for (let i = max(0, -by); i < min(p.height, p.height - by); i += 1) {
        for (let j = 0, to = i * p.width, from = (i + by) * p.width; j < p.width; j += 1) {
          if (wide.values[from + j] > out.values[to + j]) out.values[to + j] = wide.values[from + j];
        }
      }
    }
  }
  return out;
}

function centre(x) {
  let [total, row, column] = [0, 0, 0];
  x.values.forEach((v, i) => { total += v; row += v * floor(i / x.width); column += v * (i % x.width); });
  return [row / total, column / total];
}

function inForm(x) {
  const box = boxOf(x, v => v > .5);
  x = longerSide(cut(x, box.top, box.bottom, box.left, box.right), 20);
  x.values = x.values.map(v => clamp(v, 0, 1));
  const [top, left] = centre(x).map((c, k) => clamp(round(14 - c), 0, 28 - [x.height, x.width][k]));
  const out = new Uint8Array(784), most = x.values.reduce((a, b) => max(a, b));
  x.values.forEach((v, i) => { out[(top + floor(i / x.width)) * 28 + left + i % x.width] = round(fround(fround(v / most) * 255)); });
  return out;
}

function isInForm(grey) {
  if (grey.height !== 28 || grey.width !== 28 || !grey.values.some(v => v > .5)) return false;
  const size = longest(boxOf(grey, v => v > 0));
  return size >= 18 && size <= 20 && centre(grey).every(c => abs(c - 14) <= .51);
}

// Greys of whole numbers, { values: Uint8Array, height, width }, as 784 greys in MNIST's form; an Error says why not, in Python's words.
function prepare(greys) {
  const grey = scaled(contained(greys));
  if (min(grey.height, grey.width) < 8) {
    refuse('a picture of at least 8 by 8 pixels', `${grey.width} by ${grey.height}`, 'take a larger one of the digit');
  }
  if (isInForm(grey)) return Uint8Array.from(greys.values);
  const [ink, kept] = found(grey);
  return inForm(widened(inked(ink, kept), kept));
}

// ---- strokes

function draw(strokes, width, size = 280) {  // what a round pen draws: 255 on 0
  const radius = width * size / 2, ink = new Float64Array(size * size), most = min(1, 2 * radius);
  for (const stroke of strokes) {
    const points = stroke.map(p => [clamp(p[0], 0, 1) * size, clamp(p[1], 0, 1) * size]);
    for (let k = 0; k < max(1, points.length - 1); k += 1) {
      const [ax, ay] = points[k], [bx, by] = points[min(k + 1, points.length - 1)];
      const across = bx - ax, down = by - ay, length = max(across ** 2 + down ** 2, 1e-12);
      const ends = (a, b) => [Math.trunc(max(0, min(a, b) - radius - 1)), min(size, Math.trunc(max(a, b) + radius + 2))];
      const [left, right] = ends(ax, bx), [top, bottom] = ends(ay, by);
      for (let i = top; i < bottom; i += 1) {
        for (let j = left; j < right; j += 1) {
          const x = j + .5 - ax, y = i + .5 - ay, share = clamp((x * across + y * down) / length, 0, 1);
          const dx = x - share * across, dy = y - share * down;
          const covered = clamp(radius + .5 - sqrt(dx * dx + dy * dy), 0, most);
          if (covered > ink[i * size + j]) ink[i * size + j] = covered;
        }
      }
    }
  }
  return map(size, size, mapped(ink, v => round(v * 255), Uint8Array));
}

function prepareStrokes(strokes, width) {  // with paper around, as the pad of digits_uth.drawing does
  return prepare(padded(draw(strokes, width), 40));
}

const inWords = error => error.message.replace('picture: expected', 'The program expects').replace(LESSON, '');

export default { prepare, prepareStrokes, draw, greyOf, inWords };
