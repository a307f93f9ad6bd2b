// The landscape of digits_uth.landscape, in the browser: two maps of the same two weights, and one point on both.
// All numbers are here, so that the point moves while Python is busy; where it is goes to Python ten times a second at most.

const SIDE = 250, HEIGHT = 120, LEFT = 46, BOTTOM = 34, TOP = 6, RIGHT = 8;  // of a map and of a cut, in CSS pixels
const COLOURS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];  // viridis; bright is good on both maps
const INK = '#222', PALE = '#767676', LINES = {loss: '#0072B2', accuracy: '#D55E00'};
const clip = (v, lo, hi) => Math.min(hi, Math.max(lo, v));
const minus = text => text.replace('-', '−');
const short = (v, digits) => minus(v.toFixed(digits)).replace(/^(−?)0\./, '$1.');
const plain = v => minus(String(+v.toFixed(2))).replace(/^(−?)0\./, '$1.');

function colour(share) {  // from 0 to 1
  const place = clip(share, 0, 1) * (COLOURS.length - 1), i = Math.min(Math.floor(place), COLOURS.length - 2);
  return COLOURS[i].map((c, k) => c + (COLOURS[i + 1][k] - c) * (place - i));
}

const QUIET = {'data-lm-suppress-shortcuts': 'true'};  // on what has the focus: JupyterLab's "b" would insert a cell

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function canvas(width, height, attributes) {  // sharp on sharp screens
  const ratio = window.devicePixelRatio || 1, element = make('canvas', attributes);
  Object.assign(element, {width: width * ratio, height: height * ratio});
  Object.assign(element.style, {width: width + 'px', height: height + 'px'});
  const pen = element.getContext('2d');
  pen.scale(ratio, ratio);
  return [element, pen];
}

function render({model, el}) {
  const xs = model.get('changes_x'), ys = model.get('changes_y'), names = model.get('names'), start = model.get('start');
  const nx = xs.length, ny = ys.length, stepX = (xs[nx - 1] - xs[0]) / (nx - 1), stepY = (ys[ny - 1] - ys[0]) / (ny - 1);
  const nearest = ([x, y]) => [clip(Math.round((x - xs[0]) / stepX), 0, nx - 1), clip(Math.round((y - ys[0]) / stepY), 0, ny - 1)];
  const xOf = i => LEFT + (i + .5) * SIDE / nx, yOf = j => TOP + SIDE - (j + .5) * SIDE / ny;
  let [i, j] = nearest(model.get('point')), dragging = false, fog = model.get('fog'), waiting = false;
  let seen = new Set();
  const help = make('div', {class: 'uth-widget-keys', id: 'help' + Math.random().toString(36).slice(2)},
    'Drag the point on a map, or click on a map and use the arrow keys; with Shift they take five steps, and Home goes back to the start.');
  const spoken = make('div', {class: 'uth-landscape-spoken', 'aria-live': 'polite'});
  const root = make('div', {class: 'uth-widget uth-landscape', 'data-redraws': '0', role: 'group', 'aria-label': 'Landscape of two weights'});

  const panels = [['loss', 'Loss: bright is low', model.get('losses')], ['accuracy', 'Accuracy: bright is high', model.get('accuracies')]]
    .filter(([, , values]) => values.length).map(([kind, title, values]) => {
      const [map, pen] = canvas(LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM, {...QUIET, class: 'uth-landscape-map', 'data-kind': kind, tabindex: '0', role: 'application',
        'aria-roledescription': 'map', 'aria-label': `Map of the ${kind} over changes of ${names[0]} and ${names[1]}`, 'aria-describedby': help.id});
      const [cut, cutPen] = canvas(LEFT + SIDE + RIGHT, TOP + HEIGHT + BOTTOM, {class: 'uth-landscape-cut', role: 'img',
        'aria-label': `The ${kind} along the horizontal line through the point`});
      const all = values.flat(), low = Math.min(...all), high = Math.max(...all);
      const words = make('div', {class: 'uth-landscape-words'});
      const box = make('div', {class: 'uth-landscape-panel'}, make('div', {class: 'uth-widget-title'}, title), map, cut, words);
      const image = document.createElement('canvas');  // a pixel a grid point; drawn large
      Object.assign(image, {width: nx, height: ny});
      const data = new ImageData(nx, ny);
      const goodness = v => (kind === 'loss' ? high - v : v - low) / (high - low || 1);
      values.forEach((row, r) => row.forEach((v, c) => data.data.set([...colour(goodness(v)), 255], 4 * ((ny - 1 - r) * nx + c))));
      image.getContext('2d').putImageData(data, 0, 0);
      return {kind, values, low, high, map, pen, cut, cutPen, words, box, image};
    });

  const slope = values => {  // rise over run between the neighbours on both sides
    const [left, right, down, up] = [Math.max(i - 1, 0), Math.min(i + 1, nx - 1), Math.max(j - 1, 0), Math.min(j + 1, ny - 1)];
    return [(values[j][right] - values[j][left]) / (xs[right] - xs[left]), (values[up][i] - values[down][i]) / (ys[up] - ys[down])];
  };
  const around = () => [-1, 0, 1].flatMap(r => [-1, 0, 1].map(c => [i + c, j + r])).filter(([c, r]) => c >= 0 && r >= 0 && c < nx && r < ny);
  const isFlat = values => around().every(([c, r]) => values[r][c] === values[j][i]);

  function describe({kind, values, low, high}) {
    const here = values[j][i];
    if (kind === 'accuracy') return `Accuracy ${short(here, 4)}. ${isFlat(values) ? 'Flat here: its neighbours have the same.' : 'A stair beside you.'}` +
      (here === high ? ' The highest on this map.' : '');
    const [a, b] = slope(values), steep = Math.hypot(a, b);
    const ways = [Math.abs(a) > .3 * steep && (a < 0 ? 'right' : 'left'), Math.abs(b) > .3 * steep && (b < 0 ? 'up' : 'down')].filter(Boolean);
    return `Loss ${short(here, 4)}. Slope ${short(a, 4)} across, ${short(b, 4)} upwards` +
      (here === low ? '. The lowest on this map.' : ways.length ? `: downhill is ${ways.join(' and ')}.` : '.');
  }

  function axes(pen, height, low, high, label, [top, bottom]) {
    pen.strokeStyle = '#444'; pen.lineWidth = 1; pen.strokeRect(LEFT, TOP, SIDE, height);
    pen.fillStyle = INK; pen.font = '11px sans-serif'; pen.textBaseline = 'top'; pen.textAlign = 'center';
    pen.fillText(plain(xs[0]), LEFT + 6, TOP + height + 4); pen.fillText(plain(xs[nx - 1]), LEFT + SIDE - 6, TOP + height + 4);
    pen.fillText('change of ' + names[0], LEFT + SIDE / 2, TOP + height + 17);
    pen.textAlign = 'right'; pen.textBaseline = 'middle';
    pen.fillText(top, LEFT - 4, TOP + 6); pen.fillText(bottom, LEFT - 4, TOP + height - 6);
    pen.save(); pen.translate(11, TOP + height / 2); pen.rotate(-Math.PI / 2); pen.textAlign = 'center'; pen.fillText(label, 0, 0); pen.restore();
  }

  function arrow(pen, a, b) {  // where it goes down, the longer the steeper; at the bottom it hides under the point
    const steep = Math.hypot(a, b), share = Math.min(1, steep / steepest);
    if (!steep) return;
    const length = 18 * Math.min(1, share / .04) + 60 * share, head = Math.min(8, length / 2);
    const [dx, dy] = [-a / steep * length, b / steep * length];
    for (const [width, paint] of [[5, '#fff'], [2.5, '#c00000']]) {
      pen.strokeStyle = paint; pen.lineWidth = width; pen.lineCap = 'round'; pen.beginPath(); pen.moveTo(xOf(i), yOf(j));
      pen.lineTo(xOf(i) + dx, yOf(j) + dy);
      for (const turn of [2.6, -2.6]) {
        const angle = Math.atan2(dy, dx) + turn;
        pen.moveTo(xOf(i) + dx, yOf(j) + dy); pen.lineTo(xOf(i) + dx + head * Math.cos(angle), yOf(j) + dy + head * Math.sin(angle));
      }
      pen.stroke();
    }
  }
  const losses = model.get('losses');  // the steepest place has the longest arrow
  let steepest = 1;
  if (losses.length) {
    const [hereI, hereJ] = [i, j];
    steepest = 0;
    for (j = 0; j < ny; j++) for (i = 0; i < nx; i++) steepest = Math.max(steepest, Math.hypot(...slope(losses)));
    [i, j] = [hereI, hereJ];
  }

  function drawMap({kind, values, pen, image}) {
    pen.fillStyle = '#fff'; pen.fillRect(0, 0, LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, LEFT, TOP, SIDE, SIDE);
    pen.save(); pen.beginPath(); pen.rect(LEFT, TOP, SIDE, SIDE); pen.clip();
    if (fog) {
      pen.fillStyle = '#d0d0d0'; pen.beginPath();
      const [w, h] = [SIDE / nx, SIDE / ny];
      for (let r = 0; r < ny; r++) for (let c = 0; c < nx; c++) if (!seen.has(r * nx + c)) pen.rect(xOf(c) - w / 2, yOf(r) - h / 2, w + .5, h + .5);
      pen.fill();
    }
    pen.setLineDash([4, 3]); pen.strokeStyle = '#fff'; pen.lineWidth = 1; pen.beginPath(); pen.moveTo(LEFT, yOf(j)); pen.lineTo(LEFT + SIDE, yOf(j)); pen.stroke();
    pen.setLineDash([]);
    if (kind === 'loss') arrow(pen, ...slope(values));
    pen.beginPath(); pen.arc(xOf(i), yOf(j), 6, 0, 2 * Math.PI);
    pen.fillStyle = '#fff'; pen.fill(); pen.strokeStyle = '#000'; pen.lineWidth = 2; pen.stroke();
    pen.restore();
    axes(pen, SIDE, ys[0], ys[ny - 1], 'change of ' + names[1], [plain(ys[ny - 1]), plain(ys[0])]);
  }

  function drawCut({kind, values, low, high, cutPen: pen}) {
    pen.fillStyle = '#fff'; pen.fillRect(0, 0, LEFT + SIDE + RIGHT, TOP + HEIGHT + BOTTOM);
    const room = .08 * (high - low || 1), y = v => TOP + HEIGHT - (v - low + room) / (high - low + 2 * room) * HEIGHT;
    pen.save(); pen.beginPath(); pen.rect(LEFT, TOP, SIDE, HEIGHT); pen.clip();
    pen.strokeStyle = PALE; pen.lineWidth = 1; pen.beginPath(); pen.moveTo(xOf(i), TOP); pen.lineTo(xOf(i), TOP + HEIGHT); pen.stroke();
    pen.strokeStyle = LINES[kind]; pen.lineWidth = 2; pen.beginPath();
    for (let c = 0; c < nx; c++) {
      const hidden = fog && !seen.has(j * nx + c), v = y(values[j][c]), half = SIDE / nx / 2;
      if (hidden) continue;
      const joined = c && !(fog && !seen.has(j * nx + c - 1));
      if (kind === 'loss') pen[joined ? 'lineTo' : 'moveTo'](xOf(c), v);
      else { pen[joined ? 'lineTo' : 'moveTo'](xOf(c) - half, v); pen.lineTo(xOf(c) + half, v); }
    }
    pen.stroke();
    const a = kind === 'loss' ? slope(values)[0] : isFlat(values) ? 0 : null;  // beside a stair there is none
    if (a !== null) {
      const run = 5;
      pen.strokeStyle = '#c00000'; pen.lineWidth = 2.5; pen.beginPath();
      pen.moveTo(xOf(i - run), y(values[j][i] - a * run * stepX)); pen.lineTo(xOf(i + run), y(values[j][i] + a * run * stepX)); pen.stroke();
    }
    pen.beginPath(); pen.arc(xOf(i), y(values[j][i]), 5, 0, 2 * Math.PI);
    pen.fillStyle = '#fff'; pen.fill(); pen.strokeStyle = '#000'; pen.lineWidth = 2; pen.stroke();
    pen.restore();
    axes(pen, HEIGHT, low, high, kind, [short(high, 3), short(low, 3)]);
  }

  function draw() {
    waiting = false;
    for (const panel of panels) {
      if (panel.box.hidden) continue;
      drawMap(panel); drawCut(panel);
      panel.words.textContent = describe(panel);
    }
    root.dataset.redraws = +root.dataset.redraws + 1;
    root.dataset.point = `${xs[i]} ${ys[j]}`;
  }
  const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(draw); } };

  let speech = null, sending = null;
  function tell() {  // not at each step: when the point rests
    clearTimeout(speech);
    speech = setTimeout(() => { spoken.textContent = panels.filter(p => !p.box.hidden).map(p => p.words.textContent).join(' '); }, 500);
  }
  function send() {  // to Python, ten times a second at most
    sending ??= setTimeout(() => { sending = null; model.set('point', [xs[i], ys[j]]); model.save_changes(); }, 100);
  }
  function go(toI, toJ, mine = true) {
    const steps = mine ? Math.max(Math.abs(toI - i), Math.abs(toJ - j), 1) : 1, [fromI, fromJ] = [i, j];
    for (let k = 1; k <= steps; k++) {  // fog lifts along the way
      i = clip(Math.round(fromI + (toI - fromI) * k / steps), 0, nx - 1); j = clip(Math.round(fromJ + (toJ - fromJ) * k / steps), 0, ny - 1);
      around().forEach(([c, r]) => seen.add(r * nx + c));
    }
    if (mine) send();
    later(); tell();
  }

  for (const {map} of panels) {
    const to = event => {
      const box = map.getBoundingClientRect();
      go(Math.floor((event.clientX - box.left - LEFT) / SIDE * nx), Math.floor((TOP + SIDE - (event.clientY - box.top)) / SIDE * ny));
    };
    map.addEventListener('pointerdown', event => { dragging = true; map.setPointerCapture(event.pointerId); map.focus({preventScroll: true}); to(event); event.preventDefault(); });
    map.addEventListener('pointermove', event => { if (dragging) to(event); });
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) map.addEventListener(end, () => { dragging = false; });
    map.addEventListener('keydown', event => {
      const far = event.shiftKey ? 5 : 1, way = {ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowDown: [0, -far], ArrowUp: [0, far]}[event.key];
      if (event.key === 'Home') go(...nearest(start));
      else if (way) go(i + way[0], j + way[1]);
      else return;
      event.preventDefault(); event.stopPropagation();
    });
  }

  const box = (text, on, change) => {
    const input = make('input', {...QUIET, type: 'checkbox'});
    input.checked = on;
    input.addEventListener('change', () => { change(input.checked); later(); });
    return make('label', {}, input, ' ' + text);
  };
  const back = make('button', {...QUIET, type: 'button'}, 'Back to the start');
  back.addEventListener('click', () => { seen = new Set(); [i, j] = nearest(start); go(i, j); });
  const controls = make('div', {class: 'uth-landscape-tools', role: 'group', 'aria-label': 'What is shown'},
    ...(panels.length > 1 ? panels.map(p => box('Show the ' + p.kind, true, on => { p.box.hidden = !on; })) : []),
    box('Fog: see only where you have been', fog, on => { fog = on; seen = new Set(); go(i, j); }), back);

  root.append(make('div', {class: 'uth-landscape-panels'}, ...panels.map(p => p.box)), controls, help, spoken);
  el.append(root);
  const moved = () => { const [toI, toJ] = nearest(model.get('point')); if (!dragging && !sending && (toI !== i || toJ !== j)) go(toI, toJ, false); };
  model.on('change:point', moved);
  around().forEach(([c, r]) => seen.add(r * nx + c));
  draw();
  return () => { model.off('change:point', moved); clearTimeout(speech); clearTimeout(sending); };
}

export default {render};
