// Writes with a pen, as pipelines/ondevice/pen_sampling.py and apps/handwriting do. A test compares the two.

const FADED = 0.01;
const FINISHING = 30;

const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));

/**
 * Return a step of the pen: dx, dy, and 1 if it is lifted.
 *
 * @param {Float32Array} outputs log w, means of x and of y, log sigma of x and of y, correlations; the pen's logit
 * @param {number} bias how neat
 * @param {number[]} numbers two from 0 to 1, two of a normal distribution
 */
export function drawStep(outputs, bias, [choice, lifted, z, other]) {
  const count = (outputs.length - 1) / 6;
  const at = (kind, i) => outputs[kind * count + i];
  const scores = Array.from({ length: count }, (_, i) => at(0, i) * (1 + bias));
  const largest = Math.max(...scores);
  let sum = 0;
  const cumulative = scores.map((score) => (sum += Math.exp(score - largest)));
  const chosen = Math.min(count - 1, cumulative.findIndex((each) => each > choice * sum));
  const r = at(5, chosen);
  const standard = [z, r * z + Math.sqrt(1 - r * r) * other];
  const [dx, dy] = standard.map((each, i) => at(1 + i, chosen) + Math.exp(at(3 + i, chosen) - bias) * each);
  return [Math.fround(dx), Math.fround(dy), Number(lifted < sigmoid(outputs[6 * count]))];
}

/** Finds the end of a text: the stroke in which the window passes its last character. */
export class End {
  constructor(characters) {
    Object.assign(this, { characters, atLast: false, behind: 0 });
  }

  /** Return whether a step is the last one; window has the weight of each place of the text. */
  isReached([, , lifted], window) {
    const place = window.reduce((best, each, i) => (each > window[best] ? i : best), 0);
    const left = window.slice(0, this.characters).reduce((sum, each) => sum + each, 0);
    const faded = this.atLast && left < FADED;
    this.atLast ||= place === this.characters - 1;
    if (this.behind || place >= this.characters || faded) this.behind += 1;
    return this.behind > 0 && (lifted === 1 || this.behind > FINISHING);
  }
}

/**
 * Write a text.
 *
 * @param {object} network takes rows of an offset and the text, and keeps its state outside
 * @param {number[]} told the numbers of the text's characters, with zeros behind
 * @param {object} settings bias, steps (the largest number of them)
 * @param {() => number[]} numbers gives the four numbers of a step
 * @param {(offsets: number[][]) => any} each is awaited after each step; false ends the writing
 * @returns offsets in deviations of the training set, and whether the text was finished
 */
export async function write(network, told, { bias, steps }, numbers, each = () => {}) {
  const [{ name }] = network.inputs;
  const end = new End(told.filter(Boolean).length);
  const offsets = [];
  let state = await network.initial();
  let [before, finished] = [[0, 0, 0], false];
  while (!finished && offsets.length < steps) {
    const made = await network.step({ [name]: Float32Array.from([...before, ...told]) }, state);
    state = made.state;
    const outputs = Object.values(made.outputs)[0];
    const size = outputs.length - told.length;
    if (!outputs.every(Number.isFinite)) throw new Error("The network's output is not finite.");
    before = drawStep(outputs.subarray(0, size), bias, numbers());
    offsets.push(before);
    finished = end.isReached(before, outputs.subarray(size));
    if ((await each(offsets)) === false) break;
  }
  offsets[offsets.length - 1] = [...offsets.at(-1).slice(0, 2), 1];
  return { offsets, finished };
}

/** Return two independent numbers of a normal distribution, from two from 0 to below 1. */
export function normal(a, b) {
  const length = Math.sqrt(-2 * Math.log(1 - a));
  return [length * Math.cos(2 * Math.PI * b), length * Math.sin(2 * Math.PI * b)];
}

/** Return the strokes of offsets: lists of points, in the unit of the training drawings. */
export function strokesOf(offsets, [scaleX, scaleY]) {
  const strokes = [[[0, 0]]];
  let [x, y, lifted] = [0, 0, false];
  for (const [dx, dy, pen] of offsets) {
    [x, y] = [x + dx * scaleX, y + dy * scaleY];
    if (lifted) strokes.push([]);
    strokes.at(-1).push([x, y]);
    lifted = pen === 1;
  }
  return strokes;
}

/** Return {strokes, width, height}: strokes in pixels, with a margin, that fit into a width. */
export function fitted(strokes, width, margin = 12) {
  const points = strokes.flat();
  const of = (place, pick) => points.reduce((best, each) => pick(best, each[place]), points[0][place]);
  const [left, right, top, bottom] = [of(0, Math.min), of(0, Math.max), of(1, Math.min), of(1, Math.max)];
  const scale = Math.min(4, (width - 2 * margin) / Math.max(1e-6, right - left, bottom - top));
  const height = Math.ceil((bottom - top) * scale + 2 * margin);
  const placed = strokes.map((stroke) =>
    stroke.map(([x, y]) => [(x - left) * scale + margin, (y - top) * scale + margin]),
  );
  return { strokes: placed, width: Math.ceil((right - left) * scale + 2 * margin), height };
}

/** Return the text of an SVG file: one path, with a subpath for each stroke. */
export function svg(strokes, title) {
  const { strokes: placed, width, height } = fitted(strokes, 1000);
  const path = placed.map((stroke) => `M${stroke.map((point) => point.map((each) => each.toFixed(1)).join(" ")).join("L")}`);
  const safe = title.replace(/[&<>]/g, (each) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[each]);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${safe}</title>
<rect width="100%" height="100%" fill="white"/>
<path d="${path.join("")}" fill="none" stroke="black" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/>
</svg>
`;
}
