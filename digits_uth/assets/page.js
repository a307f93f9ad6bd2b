// The ladder of digits_uth.page: a pad, and under it what each model of a ladder reads in the drawing, with its reason.
//
// It works alone, on a page without a network or beside a kernel that sleeps. `pad`, `prepare` and `layers` are the scripts of
// those names, which digits_uth.page sets before this one. The pad thinks that it talks to Python: `standIn` answers in its place.

const QUIET = { 'data-lm-suppress-shortcuts': 'true' };  // on what has the focus: JupyterLab's "b" would insert a cell
const MAPS = 6;  // shown of a layer
const LARGEST = 4096;  // pixels a side that a browser surely decodes
const RED_TO_BLUE = [[103, 0, 31], [214, 96, 77], [247, 247, 247], [67, 147, 195], [5, 48, 97]];  // Matplotlib's RdBu
const HEAT = [[255, 255, 255], [253, 174, 97], [158, 42, 43], [60, 9, 17]];

const minus = text => text.replace('-', '−');
const short = (v, digits = 2) => minus(v.toFixed(digits)).replace(/^(−?)0\./, '$1.');
const signed = v => (v < 0 ? '' : '+') + short(v);
const sure = p => p > .994 ? 'more than .99' : short(p);
const a = digit => `${digit === 8 ? 'an' : 'a'} ${digit}`;
const some = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;
const total = values => values.reduce((x, y) => x + y, 0);
const greatest = values => values.reduce((x, y) => Math.max(x, Math.abs(y)), 1e-9);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// ---- pictures

function between(stops, share) {  // a colour, for a share from 0 to 1
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1), i = Math.min(Math.floor(place), stops.length - 2);
  return stops[i].map((c, k) => c + (stops[i + 1][k] - c) * (place - i));
}

const ink = top => v => Array(3).fill(255 - 255 * Math.max(0, Math.min(1, v / top)));  // from 0, paper, to `top`
const votes = top => v => between(RED_TO_BLUE, .5 + .5 * v / top);  // red against, blue for
const heat = top => v => between(HEAT, v / top);

function canvas({ values, width, colour, side }) {
  const height = values.length / width, element = make('canvas', { width, height }), pen = element.getContext('2d');
  const image = pen.createImageData(width, height);
  values.forEach((v, i) => image.data.set([...colour(v), 255], 4 * i));
  pen.putImageData(image, 0, 0);
  element.style.setProperty('--side', `${side}px`);
  return element;
}

function figure(picture, alternative, caption) {
  const shown = canvas({ width: 28, side: 84, ...picture });
  shown.setAttribute('role', 'img');
  shown.setAttribute('aria-label', alternative);
  return make('figure', {}, shown, make('figcaption', {}, caption));
}

// Many small pictures, as one for who hears them.
function strip(pictures, alternative) {
  return make('div', { class: 'uth-ladder-strip', role: 'img', 'aria-label': alternative }, ...pictures.map(canvas));
}

const row = (...figures) => make('div', { class: 'uth-ladder-row' }, ...figures);
const words = text => make('p', {}, text);

// ---- reasons: for each kind of model, what there is to see

function ofIdeals({ ideals }, { order: [first, second], distances }, pixels) {
  const ideal = d => ideals.subarray(784 * d, 784 * d + 784), squares = d => ideal(d).map((v, i) => (v - pixels[i]) ** 2);
  const top = Math.max(greatest(squares(first)), greatest(squares(second)));
  const of = d => [
    figure({ values: ideal(d), colour: ink(1), side: 66 }, `The ideal ${d}`, `ideal ${d}`),
    figure({ values: squares(d), colour: heat(top), side: 66 }, `The squared difference of the drawing and the ideal ${d}, pixel by pixel; it makes a distance of ${short(distances[d])}`,
      `${short(distances[d])} away`)];
  return [words('Dark red is where the drawing and the ideal differ most. The root of the mean of these squares is the distance.'),
    row(...of(first), ...of(second))];
}

function ofVotes({ layers }, { order: [first, second], scores, outs }, pixels) {  // one weighted sum a digit
  const place = layers.findIndex(l => l.kind === 'linear'), { weight, bias } = layers[place], x = place ? outs[place - 1] : pixels;
  const cast = weights => weights.map((w, i) => w * x[i]);
  const of = d => cast(weight.subarray(784 * d, 784 * d + 784));
  const told = v => `for it ${short(total(v.filter(w => w > 0)))}, against it ${short(-total(v.filter(w => w < 0)))}`;
  if (scores.length === 1) {
    const all = cast(weight);
    return [words(`Each pixel votes by its weight: blue for a 3, red for a 7. With ${signed(bias[0])}, which is added to all, the sum is ${signed(scores[0])}.`),
      row(figure({ values: all, colour: votes(greatest(all)) }, `The pixels' votes for a 3: ${told(all)}`, `sum ${signed(scores[0])}`))];
  }
  const [mine, other] = [of(first), of(second)], apart = mine.map((v, i) => v - other[i]), top = Math.max(greatest(mine), greatest(other), greatest(apart));
  return [words(`Each pixel of ink votes by its weight: blue for the digit, red against it. The ${first} beats the ${second} by ${short(scores[first] - scores[second])}.`),
    row(figure({ values: mine, colour: votes(top) }, `The pixels' votes for the ${first}: ${told(mine)}`, `for the ${first}: ${short(scores[first])}`),
      figure({ values: other, colour: votes(top) }, `The pixels' votes for the ${second}: ${told(other)}`, `for the ${second}: ${short(scores[second])}`),
      figure({ values: apart, colour: votes(top) }, `The votes for the ${first} less those for the ${second}: blue pixels decide for the ${first}, red ones for the ${second}`,
        `${first} rather than ${second}`))];
}

function ofUnits({ layers }, { digit, scores, outs }) {  // hidden units, and how they vote for the answer
  const linear = layers.map((l, i) => l.kind === 'linear' ? i : -1).filter(i => i >= 0), [one, two] = linear.map(i => layers[i]);
  const on = outs[linear[1] - 1], n = on.length, isOn = on.filter(v => v > 0).length, answers = linear.length === 2;
  const sign = scores.length === 1 && digit === 7 ? -1 : 1, line = scores.length === 1 ? 0 : digit;
  // In a deeper network a unit's vote isn't one number: there the most active are shown.
  const units = Array.from(on, (v, u) => ({ u, vote: answers ? sign * v * two.weight[line * n + u] : v })).sort((p, q) => q.vote - p.vote);
  const unit = ({ u, vote }) => {
    const values = one.weight.subarray(784 * u, 784 * u + 784);
    return figure({ values, colour: votes(greatest(values)), side: 56 }, `Hidden unit ${u + 1} of ${n}: ${answers ? 'its vote' : 'its activation'} is ${signed(vote)}`, signed(vote));
  };
  const pro = units.filter(v => v.vote > 0).slice(0, 4), against = units.filter(v => v.vote < 0).slice(-4).reverse();
  const found = [words(`${isOn} of ${some(n, 'hidden unit')} ${isOn === 1 ? 'is' : 'are'} on. A unit looks for ink where it is blue, and for none where it is red.`)];
  if (!answers) return [...found, row(...pro.map(unit))];
  if (pro.length) found.push(make('h3', {}, `The strongest votes for the ${digit}`), row(...pro.map(unit)));
  if (against.length) found.push(make('h3', {}, `The strongest against it`), row(...against.map(unit)));
  return found;
}

function ofMaps({ layers }, { order: [first, second], scores, outs }) {  // what windows found, and which places of it decide
  const convs = layers.map((l, i) => l.kind === 'conv' ? i : -1).filter(i => i >= 0), found = [];
  const bent = i => {  // the last of its block: up to its bend
    while (layers[i + 1] && ['affine', 'relu'].includes(layers[i + 1].kind)) i += 1;
    return i;
  };
  const maps = (i, what) => {
    const [n, height, width] = layers[i].to, values = outs[i], top = greatest(values);
    const each = Array.from({ length: n }, (_, m) => values.subarray(m * height * width, (m + 1) * height * width));
    const active = each.sort((p, q) => total(q) - total(p)).slice(0, MAPS);
    found.push(make('h3', {}, `${what}: ${active.length} of ${n} maps, the most active`),
      strip(active.map(v => ({ values: v, width, colour: ink(top), side: 42 })), `The ${active.length} most active of the ${n} maps of ${width} by ${height} places: dark is where a window found what it looks for`));
  };
  maps(bent(convs[0]), 'First windows');
  if (convs.length > 1) maps(bent(convs.at(-1)), 'Last windows');
  const end = layers.length - 1, last = layers[end], before = layers[end - 1];
  if (last.kind !== 'linear' || before.to.length !== 3) return found;
  const [n, height, width] = before.to, area = height * width, x = outs[end - 1], sign = scores.length === 1 && first === 7 ? -1 : 1;
  const weight = i => scores.length === 1 ? sign * last.weight[i] : last.weight[first * n * area + i] - last.weight[second * n * area + i];
  const places = Array.from({ length: area }, (_, p) => total(Array.from({ length: n }, (_, m) => x[m * area + p] * weight(m * area + p))));
  found.push(make('h3', {}, `Which places decide: blue for the ${first}, red for the ${second}`),
    row(figure({ values: places, width, colour: votes(greatest(places)) },
      `${width} by ${height} places of the drawing: ${places.filter(v => v > 0).length} of them speak for the ${first}, ${places.filter(v => v < 0).length} for the ${second}`,
      `in all ${signed(total(places))}`)));
  return found;
}

// Which of these a model has. A weighted sum of something else than 784 pixels has no picture.
function reasonOf(model) {
  if (model.ideals) return ofIdeals;
  if (model.layers.some(l => l.kind === 'conv')) return ofMaps;
  const linear = model.layers.filter(l => l.kind === 'linear'), onPixels = linear.length && linear[0].from.reduce((x, y) => x * y, 1) === 784;
  if (!onPixels) return () => [];
  return linear.length === 1 ? ofVotes : ofUnits;
}

// ---- an answer in words and as bars

function inWords(model, { digit, order, distances, probabilities }) {
  if (!model.ideals) return [`says ${digit}`, `with ${sure(probabilities[digit])}`];
  return [`nearest to the ${digit}`, `distance ${short(distances[digit])}, next the ${order[1]} with ${short(distances[order[1]])}`];
}

function bars({ digit, order, distances, probabilities }) {
  const numbers = distances || probabilities, top = distances ? greatest(distances) : 1, what = distances ? 'distance' : 'probability';
  const line = d => {
    const bar = make('span', { class: 'uth-ladder-bar' });
    bar.style.width = `${100 * numbers[d] / top}%`;
    return make('tr', d === digit ? { class: 'uth-ladder-answer' } : {}, make('th', { scope: 'row' }, d),
      make('td', { class: 'uth-ladder-track', 'aria-hidden': 'true' }, bar),
      make('td', {}, short(numbers[d]), ...(d === digit ? [make('span', { class: 'uth-ladder-heard' }, ', the answer')] : [])));
  };
  const digits = order.length === 10 ? [...Array(10).keys()] : [3, 7];
  return make('table', {}, make('caption', {}, distances ? 'How far each ideal is' : 'How probable it finds each'),
    make('thead', { class: 'uth-ladder-heard' }, make('tr', {}, make('th', { scope: 'col' }, 'digit'), make('td', { 'aria-hidden': 'true' }), make('th', { scope: 'col' }, what))),
    make('tbody', {}, ...digits.map(line)));
}

function card(model, id) {  // a model's section, and what shows an answer in it
  const said = make('p', { class: 'uth-ladder-said' }), body = make('div', { class: 'uth-ladder-body' });
  const section = make('section', { 'aria-labelledby': id }, make('h2', { id }, model.name), said, body);
  return [section, (answer, pixels) => {
    const [first, more] = inWords(model, answer);
    said.replaceChildren(make('strong', {}, first), `, ${more}`);
    body.replaceChildren(bars(answer), make('div', { class: 'uth-ladder-reason' }, ...reasonOf(model)(model, answer, pixels)));
  }];
}

// ---- a file

function shrunk(bitmap, longer) {
  const scale = Math.min(1, longer / Math.max(bitmap.width, bitmap.height));
  const element = make('canvas', { width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale)) });
  const pen = element.getContext('2d', { willReadFrequently: true });
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(bitmap, 0, 0, element.width, element.height);
  return [element, pen];
}

// A picture's file as 784 greys, and a small view of it; an Error in words where it is none, or is refused.
async function readFile(file) {
  let bitmap;
  try { bitmap = await createImageBitmap(file, { premultiplyAlpha: 'none', colorSpaceConversion: 'none' }); } catch {
    throw new Error(`picture: expected a picture, got ${file.name || 'a file'}, which this browser can’t show; save it as PNG or JPEG (lesson 00).`);
  }
  const [element, pen] = shrunk(bitmap, LARGEST);
  const prepared = prepare.prepare(prepare.greyOf(pen.getImageData(0, 0, element.width, element.height)));
  return { prepared, view: shrunk(bitmap, 284)[0] };
}

// ---- in Python's place

// What the pad takes for anywidget's model. `drawings` are the course's; `look(pixels)` hears of each new picture, or of none.
function standIn(drawings, look) {
  const listeners = {}, examples = [...drawings].sort((x, y) => x.hand < y.hand ? -1 : x.hand > y.hand ? 1 : x.digit - y.digit);
  const state = { kernel: false, digit: null, strokes: [], past: [], width: .07, turn: 0, page: {}, prepared: [], problem: '' };
  let waiting = 0, shown = 0;
  const emit = (name, ...news) => { for (const act of listeners[name] || []) act(...news); };
  const say = said => emit('msg:custom', { said });

  function take({ strokes, past, width, turn }, prepared, problem = '') {
    Object.assign(state, { strokes, past, width, turn, prepared: [...prepared], problem });
    emit('change:turn');
    look(state.prepared, problem);
  }
  function draw(message, said) {
    clearTimeout(waiting);  // an older drawing needs no answer
    waiting = setTimeout(() => {  // once the ink is seen
      let [prepared, problem] = [[], ''];
      try { if (message.strokes.length) prepared = prepare.prepareStrokes(message.strokes, message.width); } catch (e) { problem = prepare.inWords(e); }
      take(message, prepared, problem);
      if (said) say(said);
    }, 0);
  }
  function show(message) {
    const { digit, note, strokes } = examples[shown % examples.length];
    shown += 1;
    const undo = message.strokes.length ? 'brings yours back' : 'takes it away';
    draw({ ...message, strokes, past: [...message.past, message.strokes] }, `${a(digit).replace('a', 'A')} drawn for the course: ${note}. Undo ${undo}.`);
  }
  return {
    get: name => state[name],
    set(name, value) { state[name] = value; emit(`change:${name}`); },
    on: (name, act) => (listeners[name] ||= []).push(act),
    off: (name, act) => { listeners[name] = (listeners[name] || []).filter(other => other !== act); },
    send: message => message.do === 'show' ? show(message) : draw(message),
    say,
    // A picture from elsewhere, in place of what is drawn.
    give(prepared, said) {
      clearTimeout(waiting);
      const now = state.page.turn > state.turn ? state.page : state;
      take({ strokes: [], past: [...now.past, now.strokes], width: now.width, turn: now.turn + 1 }, prepared);
      say(said);
    },
    stop: () => clearTimeout(waiting),
  };
}

// ---- all of it

let ladders = 0;

// Show a ladder in an element. It gives back `stop`, and `give(file)`, which reads a picture's file.
function mount(el, { models: written, drawings }) {
  const models = written.map(layers.read), id = `uth-ladder-${ladders += 1}-${Math.random().toString(36).slice(2)}`;
  const EMPTY = `Draw a digit, and ${models.length === 1 ? 'the model' : `each of ${models.length} models`} says which it reads, and why.`;
  const summary = make('p', { class: 'uth-ladder-summary', 'aria-live': 'polite' }, EMPTY);
  const cards = models.map((model, i) => card(model, `${id}-${i}`));
  const answers = make('div', { class: 'uth-ladder-models', hidden: '' }, ...cards.map(([section]) => section));
  const input = make('input', { type: 'file', accept: 'image/*', hidden: '', tabindex: '-1' });
  const button = make('button', { ...QUIET, type: 'button' }, 'Read a photograph'), view = make('div', { class: 'uth-ladder-view' });
  const place = make('div'), photograph = make('div', { class: 'uth-ladder-photograph' }, button, input, view);
  const left = make('div', { class: 'uth-ladder-paper' }, place, photograph);
  const root = make('div', { class: 'uth-widget uth-ladder', role: 'group', 'aria-label': 'A ladder of models, and a pad' }, left, make('div', { class: 'uth-ladder-right' }, summary, answers,
    make('p', { class: 'uth-ladder-honest' }, 'A probability says nothing about pictures from another world: draw a letter, and each model answers with a digit all the same.')));
  let looks = 0;

  const pause = () => new Promise(done => setTimeout(done, 0));
  async function look(greys, problem) {  // a task a model, so that the pen is never held up
    const mine = looks += 1, pixels = Float32Array.from(greys, v => v / 255), found = [];
    view.replaceChildren();
    if (greys.length) {
      for (const [i, model] of models.entries()) {
        await pause();
        if (mine !== looks) return;
        const answer = layers.answer(model, pixels);
        cards[i][1](answer, pixels);
        found.push(`${model.name}: ${answer.digit}.`);
      }
    }
    answers.hidden = !greys.length;
    const text = greys.length ? found.join(' ') : problem ? 'No picture, so no answer: beside the paper it says why.' : EMPTY;
    if (summary.textContent !== text) summary.textContent = text;
    root.dataset.looks = mine;
  }

  const stand = standIn(drawings, look), stopPad = pad.render({ model: stand, el: place });

  async function give(file) {
    stand.say('Reading …');
    try {
      const { prepared, view: small } = await readFile(file);
      stand.give(prepared, `Read from ${file.name || 'a picture'}. Undo takes it away.`);
      small.setAttribute('role', 'img');
      small.setAttribute('aria-label', 'The photograph that was read');
      view.replaceChildren(small);
    } catch (e) { stand.say(prepare.inWords(e)); }
  }
  button.addEventListener('click', () => input.click());
  input.addEventListener('change', () => { if (input.files.length) give(input.files[0]); input.value = ''; });
  root.addEventListener('dragover', e => { e.preventDefault(); e.stopPropagation(); });
  root.addEventListener('drop', e => {
    e.preventDefault();
    e.stopPropagation();
    if (e.dataTransfer.files.length) give(e.dataTransfer.files[0]);
  });
  el.append(make('div', { class: 'uth-ladder-frame' }, root));
  return { give, models, stop() { looks += 1; stand.stop(); stopPad(); } };
}

// In JupyterLab.
function render({ model, el }) {
  return mount(el, { models: model.get('models'), drawings: model.get('drawings') }).stop;
}

// On a page of its own. What stands there can be tried from the browser's console, as `digitsUth`:
// prepare({ values: Uint8Array, height, width }) and prepareStrokes(strokes, width) give 784 greys from 0, paper, to 255, ink, or throw
// an Error that says why not; draw(strokes, width) gives what the pen draws; answers(greys) what each model makes of 784 greys;
// give(file) reads a picture's file.
function start(el, data) {
  const { give, models } = mount(el, data);
  const answers = greys => models.map(model => ({ name: model.name, ...layers.answer(model, Float32Array.from(greys, v => v / 255)) }));
  window.digitsUth = { ...prepare, answers, give };
}

export default { render, start };
