// The models of a ladder in the browser: what digits_uth.page has written, read again, and their answers to 784 greys from 0 to 1.

const size = shape => shape.reduce((a, b) => a * b, 1);

function floats(text) {  // base64 of little-endian float32, as every browser's machine has them
  return new Float32Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
}

// What each kind of layer makes of its input x, numbers of the form `from`, in the form `to`: [n], or [channels, height, width].
const WAYS = {
  relu: ({ to }, x) => Float32Array.from(x, v => Math.max(0, v)),

  linear({ to, weight, bias }, x) {
    const out = new Float32Array(to[0]);
    for (let o = 0; o < out.length; o += 1) {
      let v = bias[o];
      for (let i = 0; i < x.length; i += 1) v += weight[o * x.length + i] * x[i];
      out[o] = v;
    }
    return out;
  },

  affine({ to, scale, shift }, x) {  // a factor and a summand a channel
    const area = to[1] * to[2];
    return x.map((v, i) => v * scale[Math.floor(i / area)] + shift[Math.floor(i / area)]);
  },

  conv({ from, to, weight, bias, kernel: [kh, kw], stride: [sh, sw], padding: [ph, pw] }, x) {
    const [channels, height, width] = from, [maps, rows, columns] = to, out = new Float64Array(size(to));
    for (let o = 0, k = 0; o < maps; o += 1) {
      out.fill(bias[o], o * rows * columns, (o + 1) * rows * columns);
      for (let c = 0; c < channels; c += 1) {
        for (let i = 0; i < kh; i += 1) {
          for (let j = 0; j < kw; j += 1, k += 1) {  // one weight, at all places of the window
            const w = weight[k], first = Math.max(0, Math.ceil((pw - j) / sw)), end = Math.min(columns, Math.floor((width - 1 + pw - j) / sw) + 1);
            for (let r = 0; r < rows; r += 1) {
              const row = r * sh + i - ph;
              if (row < 0 || row >= height) continue;
              const to = (o * rows + r) * columns, at = (c * height + row) * width + j - pw;
              for (let q = first; q < end; q += 1) out[to + q] += w * x[at + q * sw];
            }
          }
        }
      }
    }
    return Float32Array.from(out);
  },

  average: (layer, x) => pooled(layer, x, (a, b) => a + b, 0, v => v / size(layer.kernel)),
  largest: (layer, x) => pooled(layer, x, Math.max, -Infinity, v => v),
};

function pooled({ from, to, kernel, stride }, x, join, start, finish) {
  const [, height, width] = from, [, rows, columns] = to;
  return Float32Array.from({ length: size(to) }, (_, at) => {
    const c = Math.floor(at / (rows * columns)), r = Math.floor(at / columns) % rows, q = at % columns;
    let v = start;
    for (let i = 0; i < kernel[0]; i += 1) {
      for (let j = 0; j < kernel[1]; j += 1) v = join(v, x[(c * height + r * stride[0] + i) * width + q * stride[1] + j]);
    }
    return finish(v);
  });
}

// A model as it was written, with its numbers as Float32Array.
function read(model) {
  if (model.ideals) return { ...model, ideals: floats(model.ideals) };
  const numbers = ['weight', 'bias', 'scale', 'shift'];
  return { ...model, layers: model.layers.map(layer => {
    const found = { ...layer };
    for (const name of numbers) if (name in layer) found[name] = floats(layer[name]);
    return found;
  }) };
}

function softmax(scores) {
  const most = Math.max(...scores), parts = Array.from(scores, s => Math.exp(s - most)), total = parts.reduce((a, b) => a + b);
  return parts.map(p => p / total);
}

// The digits of an answer, the likelier first.
const ranked = (numbers, sign = 1) => numbers.map((v, digit) => [sign * v, digit]).sort((a, b) => b[0] - a[0]).map(([, digit]) => digit);

// A model's answer to 784 pixels from 0 to 1: its digit, the digits in order, and what it rests on. Of a network that is
// `outs`, what each layer puts out, scores and probabilities; of ideals the distances.
function answer(model, pixels) {
  if (model.ideals) {
    const distances = Array.from({ length: 10 }, (_, d) => {
      let total = 0;
      for (let i = 0; i < 784; i += 1) total += (pixels[i] - model.ideals[784 * d + i]) ** 2;
      return Math.sqrt(total / 784);
    });
    const order = ranked(distances, -1);
    return { digit: order[0], order, distances };
  }
  const outs = [];
  let x = Float32Array.from(pixels);
  for (const layer of model.layers) outs.push(x = WAYS[layer.kind](layer, x));
  let probabilities = Array(10).fill(0);
  if (x.length === 10) probabilities = softmax(x);
  else [probabilities[3], probabilities[7]] = [1 / (1 + Math.exp(-x[0])), 1 / (1 + Math.exp(x[0]))];
  const order = x.length === 10 ? ranked([...x]) : x[0] > 0 ? [3, 7] : [7, 3];
  return { digit: order[0], order, scores: x, probabilities, outs };
}

export default { read, answer };
