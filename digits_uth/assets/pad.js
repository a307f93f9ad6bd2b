// The pad of digits_uth.drawing, in the browser: it paints at once, and sends the strokes after each.
//
// What is drawn is what the kernel's state says, or the page's own, where the page is ahead because the kernel is busy:
// `page` is set here, for all views of the pad, and never sent; each change has a number, its turn.
// `past` is for Undo: for a stroke, how many there were before it; for Clear and Show me one, the strokes that they replaced.

const SIDE = 280, STEP = .01;  // pixels; the least distance of two points
const PENS = [.03, .04, .05, .06, .07, .085, .1, .12, .14];
const clamp = x => Math.min(1, Math.max(0, x));
const round = x => Math.round(x * 1e4) / 1e4;
const some = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;
let views = 0;

function now(model) {
  const page = model.get('page');
  if (page && page.turn > model.get('turn')) return page;
  return { turn: model.get('turn'), strokes: model.get('strokes'), past: model.get('past'), width: model.get('width') };
}

function change(model, what) {
  const state = { ...now(model), ...what };
  state.turn += 1;
  model.set('page', state);
  model.send({ do: 'draw', ...state });
}

function make(tag, properties = {}, ...children) {
  const { aria = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function ink(context, stroke, width, until = Infinity) {
  const points = stroke.filter(p => (p[2] || 0) <= until).map(p => [p[0] * SIDE, p[1] * SIDE]);
  if (!points.length) return;
  context.lineCap = context.lineJoin = 'round';
  context.lineWidth = width * SIDE;
  context.strokeStyle = '#111';
  context.beginPath();
  context.moveTo(...points[0]);
  if (points.length === 1) context.lineTo(points[0][0] + .01, points[0][1]);
  for (const point of points.slice(1)) context.lineTo(...point);
  context.stroke();
}

// The strokes with times of one clock, short pauses between them, and no longer than 4 seconds.
function timed(strokes) {
  let clock = 0;
  const played = strokes.map(stroke => {
    const start = clock, first = stroke[0][2] || 0;
    const points = stroke.map(p => [p[0], p[1], start + Math.max(0, (p[2] || 0) - first)]);
    clock = points.at(-1)[2] + .3;
    return points;
  });
  const slow = Math.max(1, clock / 4);
  return [played.map(stroke => stroke.map(([x, y, t]) => [x, y, t / slow])), clock / slow];
}

function render({ model, el }) {
  const id = `uth-pad-${views += 1}-${Math.random().toString(36).slice(2)}`;
  const alone = model.get('kernel') === false;  // on a page that answers itself, and keeps nothing
  const asked = () => model.get('digit');
  const wanted = () => asked() === null ? 'a digit' : `${asked() === 8 ? 'an' : 'a'} ${asked()}`;
  let stroke = null, pointer = null, begun = 0;  // what is being drawn
  let pen = { x: .5, y: .3, down: false, shown: false };  // the keyboard's
  const held = new Set();
  let show = null, playing = 0, waiting = 0, counted = -1;

  // ---- what there is to see
  const title = make('div', { className: 'uth-widget-title', id: `${id}-title` });
  const paper = make('canvas', { className: 'uth-pad-paper', tabIndex: 0, aria: {
    role: 'application', 'aria-roledescription': 'drawing pad', 'aria-describedby': `${id}-keys` } });
  const preview = make('canvas', { className: 'uth-pad-preview', width: 28, height: 28, aria: { role: 'img' } });
  const caption = make('div', { className: 'uth-pad-caption' });
  const status = make('div', { className: 'uth-pad-status', aria: { role: 'status', 'aria-live': 'polite' } });
  const keys = make('div', { className: 'uth-widget-keys', id: `${id}-keys`, textContent: 'Draw with a mouse, a pen or a finger. ' +
    'By keyboard: the arrow keys move the pen, with Shift farther; Space puts it down and lifts it; Backspace undoes; Delete clears.' });
  const button = (text, act) => {
    const made = make('button', { type: 'button', textContent: text });
    made.addEventListener('click', act);
    return made;
  };
  const label = make('select', { aria: { 'aria-label': 'Keep it as which digit' } },
    make('option', { value: '', textContent: '?' }), ...[...Array(10).keys()].map(d => make('option', { value: d, textContent: d })));
  const tools = make('div', { className: 'uth-pad-tools', aria: { role: 'group', 'aria-label': 'Drawing' } },
    button('Undo', undo), button('Clear', clear), button('Thinner', () => thicker(-1)), button('Thicker', () => thicker(1)),
    button('Show me one', example));
  const keeping = make('div', { className: 'uth-pad-tools', aria: { role: 'group', 'aria-label': 'Keeping' } },
    button('Keep', keep), make('label', {}, 'as ', label), button('Take back', back));
  const root = make('div', { className: 'uth-widget uth-pad', aria: { role: 'group', 'aria-labelledby': `${id}-title` } },
    make('div', { className: 'uth-pad-row' }, make('div', { className: 'uth-pad-left' }, title, paper),
      make('div', { className: 'uth-pad-right' }, make('div', {}, caption, preview), tools, ...(alone ? [] : [keeping]), status)), keys);
  // Else a "b" inserts a cell: JupyterLab looks for this on what has the focus itself.
  for (const element of [paper, ...root.querySelectorAll('button, select')]) element.setAttribute('data-lm-suppress-shortcuts', 'true');
  el.append(root);

  function say(text) { status.textContent = text; }

  function count() {
    const n = now(model).strokes.length;
    return n ? `Drawn: ${some(n, 'stroke')}.` : 'Nothing is drawn.';
  }

  function paint(until, strokes = now(model).strokes) {
    const scale = window.devicePixelRatio || 1, size = Math.round(SIDE * scale), { width } = now(model);
    if (paper.width !== size) paper.width = paper.height = size;
    const context = paper.getContext('2d');
    context.setTransform(size / SIDE, 0, 0, size / SIDE, 0, 0);
    context.fillStyle = '#fff';
    context.fillRect(0, 0, SIDE, SIDE);
    for (const done of strokes) ink(context, done, width, until);
    if (stroke) ink(context, stroke, width);
    if (pen.shown) {  // a ring, white on blue, to be seen on ink and on paper
      for (const [wide, colour] of [[5, '#fff'], [2.5, '#0b57d0']]) {
        context.lineWidth = wide;
        context.strokeStyle = context.fillStyle = colour;
        context.beginPath();
        context.arc(pen.x * SIDE, pen.y * SIDE, 7, 0, 2 * Math.PI);
        context.stroke();
        if (pen.down) context.fill();
      }
    }
  }

  function update() {
    const { turn, strokes } = now(model), answered = turn === model.get('turn'), prepared = model.get('prepared');
    title.textContent = `Draw ${wanted()}`;
    paper.setAttribute('aria-label', `Paper to draw ${wanted()} on. ${some(strokes.length, 'stroke')} drawn.`);
    if (strokes.length !== counted) say(count());
    counted = strokes.length;
    paint();
    clearTimeout(waiting);
    preview.setAttribute('aria-busy', !answered);
    if (!answered) {  // which is usual for some milliseconds
      waiting = setTimeout(() => {
        root.classList.add('uth-pad-waiting');
        caption.textContent = alone ? 'Preparing' : 'Waiting for the kernel';
        preview.setAttribute('aria-label', `What the program gets: ${alone ? 'preparing' : 'waiting for the kernel'}.`);
      }, 250);
      return;
    }
    root.classList.remove('uth-pad-waiting');
    caption.textContent = 'What the program gets';
    preview.setAttribute('aria-label', prepared.length ? `What the program gets: your drawing in 28 × 28 pixels, ${prepared.filter(v => v).length} of them not white.`
      : 'What the program gets: nothing yet.');
    const context = preview.getContext('2d'), image = context.createImageData(28, 28);
    for (let i = 0; i < 784; i += 1) image.data.set([...Array(3).fill(255 - (prepared[i] || 0)), 255], 4 * i);
    context.putImageData(image, 0, 0);
    if (model.get('problem')) say(model.get('problem'));
  }

  // ---- what changes the drawing
  function add(x, y, t) {
    const last = stroke.at(-1);
    if (last && Math.hypot(x - last[0], y - last[1]) < STEP) return;
    stroke.push([round(clamp(x)), round(clamp(y)), Math.round(t * 1e3) / 1e3]);
  }

  function start() {  // when the stroke begins, in the drawing's time
    stop();
    const last = now(model).strokes.at(-1);
    return last ? (last.at(-1)[2] || 0) + .3 : 0;
  }

  function finish() {
    if (!stroke) return;
    const done = stroke;
    stroke = pointer = null;
    pen.down = false;
    const { strokes, past } = now(model);
    change(model, { strokes: [...strokes, done], past: [...past, strokes.length] });
    say(count());
  }

  function undo() {
    stop();
    if (stroke) {
      stroke = pointer = null;
      pen.down = false;
      paint();
      return say(`The stroke is undone. ${count()}`);
    }
    const { strokes, past } = now(model);
    if (!past.length && !strokes.length) return say('There is nothing to undo.');
    const before = past.length ? past.at(-1) : strokes.length - 1;
    change(model, { strokes: typeof before === 'number' ? strokes.slice(0, before) : before, past: past.slice(0, -1) });
    say(`Undone. ${count()}`);
  }

  function clear() {
    stop();
    stroke = pointer = null;
    pen.down = false;
    const { strokes, past } = now(model);
    const photograph = alone && !strokes.length && model.get('prepared').length;
    if (strokes.length) change(model, { strokes: [], past: [...past, strokes] });
    else if (photograph) change(model, { strokes });
    else paint();
    say(strokes.length ? 'Cleared. Undo brings the drawing back.' : photograph ? 'Cleared.' : count());
  }

  function thicker(by) {
    stop();
    const { width } = now(model);
    const nearest = PENS.reduce((a, b) => Math.abs(b - width) < Math.abs(a - width) ? b : a);
    const next = PENS[PENS.indexOf(nearest) + by];
    if (next === undefined) return say(by > 0 ? 'This is the thickest pen.' : 'This is the thinnest pen.');
    change(model, { width: next });
    say(`The pen is ${by > 0 ? 'thicker' : 'thinner'}: ${Math.round(next * SIDE)} of ${SIDE} pixels.`);
  }

  function example() {
    stop();
    const state = { ...now(model), turn: now(model).turn + 1 };
    model.set('page', state);
    show = state.turn;
    model.send({ do: 'show', digit: label.value === '' ? null : Number(label.value), ...state });
  }

  function keep() {
    if (stroke) finish();
    const { strokes, width } = now(model);
    if (!strokes.length) return say('Draw something first, then keep it.');
    if (label.value === '') { label.focus(); return say('Choose which digit it is, then keep it.'); }
    say('Keeping …');
    model.send({ do: 'keep', label: Number(label.value), strokes, width });
  }

  function back() {
    say('Taking back …');
    model.send({ do: 'back' });
  }

  // ---- a replay, which is only seen: the drawing is there already
  function stop() {
    if (playing) cancelAnimationFrame(playing);
    playing = 0;
    paint();
  }

  function play() {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const [strokes, end] = timed(now(model).strokes), began = performance.now();
    const frame = () => {
      const t = (performance.now() - began) / 1e3;
      if (t >= end) return stop();
      paint(t, strokes);
      playing = requestAnimationFrame(frame);
    };
    if (strokes.length) frame();
  }

  // ---- mouse, pen and finger
  const place = e => {
    const box = paper.getBoundingClientRect();
    return [(e.clientX - box.left - paper.clientLeft) / paper.clientWidth, (e.clientY - box.top - paper.clientTop) / paper.clientHeight];
  };
  paper.addEventListener('pointerdown', e => {
    if (!e.isPrimary || e.button !== 0 || pointer !== null) return;
    if (stroke) finish();  // the keyboard's
    begun = performance.now() / 1e3 - start();
    pointer = e.pointerId;
    stroke = [];
    pen.shown = false;
    try { paper.setPointerCapture(pointer); } catch { /* it has gone already */ }
    add(...place(e), performance.now() / 1e3 - begun);
    paint();
  });
  paper.addEventListener('pointermove', e => {
    if (!stroke || e.pointerId !== pointer) return;
    const all = e.getCoalescedEvents ? e.getCoalescedEvents() : [];
    for (const one of all.length ? all : [e]) add(...place(one), performance.now() / 1e3 - begun);
    paint();
  });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'])
    paper.addEventListener(end, e => { if (stroke && e.pointerId === pointer) finish(); });
  paper.addEventListener('contextmenu', e => { if (pointer !== null) e.preventDefault(); });

  // ---- keyboard
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const where = () => `${Math.round(pen.x * 100)} across, ${Math.round(pen.y * 100)} down`;
  function key(e) {
    if ((e.ctrlKey || e.metaKey) && !e.shiftKey && !e.altKey && e.key.toLowerCase() === 'z') return undo() || true;
    if (e.ctrlKey || e.metaKey || e.altKey) return false;
    if (e.key === 'Backspace') return undo() || true;
    if (e.key === 'Delete') return clear() || true;
    if (e.key in ARROWS) {
      held.add(e.key);
      const by = e.shiftKey ? .1 : .02;
      for (const name of held) { pen.x = clamp(pen.x + by * ARROWS[name][0]); pen.y = clamp(pen.y + by * ARROWS[name][1]); }
      pen.shown = true;
      if (pen.down) add(pen.x, pen.y, begun += .03);
      paint();
      say(`Pen ${pen.down ? 'down' : 'up'}: ${where()}.`);
      return true;
    }
    if (e.key === ' ' || e.key === 'Enter') {
      if (e.repeat) return true;
      pen.shown = true;
      if (pen.down) { finish(); say(`Pen up: ${where()}. ${count()}`); paint(); }
      else if (!stroke) {
        begun = start();
        stroke = [];
        pen.down = true;
        add(pen.x, pen.y, begun);
        paint();
        say(`Pen down: ${where()}.`);
      }
      return true;
    }
    if (e.key === 'Escape' && pen.down) { finish(); return true; }
    return false;
  }
  paper.addEventListener('keydown', e => { if (key(e)) { e.preventDefault(); e.stopPropagation(); } });
  paper.addEventListener('keyup', e => held.delete(e.key));
  paper.addEventListener('focus', () => { if (paper.matches(':focus-visible')) { pen.shown = true; paint(); } });
  paper.addEventListener('blur', () => { held.clear(); if (pen.down) finish(); pen.shown = false; paint(); });

  // ---- what the kernel says
  const answered = () => {
    update();
    if (show !== null && model.get('turn') >= show) { if (model.get('turn') === show) play(); show = null; }
  };
  const ask = () => { label.value = asked() === null ? '' : asked(); update(); };
  const told = message => { if (message.said) say(message.said); };
  const listeners = { 'change:turn': answered, 'change:page': update, 'change:digit': ask, 'msg:custom': told };
  for (const [name, act] of Object.entries(listeners)) model.on(name, act);
  ask();
  return () => {
    for (const [name, act] of Object.entries(listeners)) model.off(name, act);
    clearTimeout(waiting);
    if (playing) cancelAnimationFrame(playing);
  };
}

export default { render };
