// Best tags, and the probability of spans: pipelines/ondevice/tag_decoding.py. A test compares the two.
import { argmax } from "./arrays.js";

const NEVER = -1e9;

/** Return whether a tag may follow another one: a span goes on only after what begins or continues it. */
const follows = (before, tag) => tag === 0 || tag % 2 === 1 || before === tag - 1 || before === tag;

/**
 * Return {scores, start, transitions} of a sequence, with impossible tags excluded.
 *
 * @param {Float32Array} output rows of scores, and behind them those of the first tag and of each tag after another;
 *   or rows of probabilities only
 * @param {number} tags how many there are
 * @param {number} rows of the output that are steps
 * @param {number[]} chosen the rows of the sequence
 */
export function chainOf(output, tags, rows, chosen) {
  const at = (row) => Array.from(output.subarray(row * tags, (row + 1) * tags));
  const learned = output.length > rows * tags;
  const log = (p) => Math.log(Math.max(p, 1e-9));
  const scores = chosen.map((row) => (learned ? at(row) : at(row).map(log)));
  const given = (row) => (learned ? at(rows + row) : new Array(tags).fill(0));
  const allowed = (before) => (score, tag) => score + (follows(before, tag) ? 0 : NEVER);
  const transitions = Array.from({ length: tags }, (_, before) => given(1 + before).map(allowed(before)));
  return { scores, start: given(0).map(allowed(0)), transitions };
}

/** Return the most probable tags. */
export function viterbi({ scores, start, transitions }) {
  if (!scores.length) return [];
  let best = scores[0].map((score, tag) => start[tag] + score);
  const pointers = [];
  for (const score of scores.slice(1)) {
    const from = score.map((_, tag) => argmax(best.map((each, before) => each + transitions[before][tag])));
    best = score.map((each, tag) => best[from[tag]] + transitions[from[tag]][tag] + each);
    pointers.push(from);
  }
  const tags = [argmax(best)];
  for (const pointer of pointers.reverse()) tags.unshift(pointer[tags[0]]);
  return tags;
}

/** Return the most probable tag after the last one, which is 0 at the start. */
export const nextTag = (probabilities, last) =>
  argmax(Array.from(probabilities, (each, tag) => (follows(last, tag) ? each : -1)));

/** Return the spans of tags: start, end (the step after the last) and kind. */
export function spansOf(tags) {
  const found = [];
  tags.forEach((tag, step) => {
    if (tag <= 0) return;
    const [kind, inside] = [Math.floor((tag - 1) / 2), (tag - 1) % 2];
    const last = found.at(-1);
    if (inside && last?.end === step && last.kind === kind) last.end = step + 1;
    else found.push({ start: step, end: step + 1, kind });
  });
  return found;
}

function logSum(values) {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, each) => sum + Math.exp(each - largest), 0));
}

function forwardBackward({ scores, start, transitions }) {
  const [forward, backward] = [[], scores.map((each) => each.map(() => 0))];
  scores.forEach((score, t) => {
    const before = (tag) => (t ? logSum(forward[t - 1].map((each, i) => each + transitions[i][tag])) : start[tag]);
    forward.push(score.map((each, tag) => before(tag) + each));
  });
  for (let t = scores.length - 2; t >= 0; t -= 1) {
    const after = scores[t + 1].map((each, tag) => each + backward[t + 1][tag]);
    backward[t] = transitions.map((row) => logSum(row.map((each, tag) => each + after[tag])));
  }
  return { forward, backward };
}

/** Return the probability of each span: that it begins and ends there, and has its kind. */
export function spanProbabilities(chain, spans) {
  if (!spans.length) return [];
  const { forward, backward } = forwardBackward(chain);
  const { scores, transitions } = chain;
  const total = logSum(forward.at(-1));
  return spans.map(({ start, end, kind }) => {
    const [begin, inside] = [2 * kind + 1, 2 * kind + 2];
    let [path, last] = [forward[start][begin], begin];
    for (let step = start + 1; step < end; step += 1) {
      path += transitions[last][inside] + scores[step][inside];
      last = inside;
    }
    let probability = Math.exp(path + backward[end - 1][last] - total);
    if (end < scores.length) {
      const longer = path + transitions[last][inside] + scores[end][inside];
      probability -= Math.exp(longer + backward[end][inside] - total);
    }
    return Math.min(1, Math.max(0, probability));
  });
}
