// The sampler of pipelines/ondevice/sampling.py. A test compares the two.
import { argmax } from "./arrays.js";

/** Return the distribution to draw from: the temperature is applied first, then top-k and top-p together. */
export function distribution(probabilities, { temperature = 1, topK = Infinity, topP = 1 } = {}) {
  const best = argmax(probabilities);
  const largest = probabilities[best];
  if (!(largest > 0)) throw new Error("expected a probability above 0");
  if (temperature === 0) return Float64Array.from(probabilities, (_, i) => (i === best ? 1 : 0));
  const p = Float64Array.from(probabilities, (each) => Math.exp((Math.log(each) - Math.log(largest)) / temperature));
  // JavaScript's sort keeps the order of equal elements, as the stable one of numpy does.
  const order = Array.from(p.keys()).sort((a, b) => p[b] - p[a]).slice(0, topK);
  const total = order.reduce((sum, i) => sum + p[i], 0);
  const cut = new Float64Array(p.length);
  let before = 0;
  for (const i of order) {
    if (before / total < topP) cut[i] = p[i];
    before += p[i];
  }
  const kept = cut.reduce((sum, each) => sum + each, 0);
  return cut.map((each) => each / kept);
}

/** Draw one class; `random` returns a number from 0 to below 1, and is called once. */
export function draw(probabilities, settings, random) {
  let sum = 0;
  const cumulative = distribution(probabilities, settings).map((each) => (sum += each));
  const place = random() * sum;
  return cumulative.findIndex((each) => each > place);
}

/** Return a source of random numbers: the same seed leads to the same numbers. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    // mulberry32, by Tommy Ettinger; public domain
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
