// Compares the page's answers with Python's, and measures calls on the way.
import { largestDifference, quantile, unpacked } from "./arrays.js";

const WARM = 3;

/**
 * Run the golden inputs through a session of the app.
 *
 * @param {object} session has answer(input) -> {answer, outputs, inputs}, and networks
 * @param {object} golden the content of golden.json
 * @param {string} file the .tflite file that the session runs
 * @param {(done: number) => void} progress is called after each input
 * @returns equal, total, difference, calls, p50, p95 (in ms), and the first input that isn't equal
 */
export async function check(session, golden, file, progress = () => {}) {
  const expected = golden.answers[file];
  const inputs = golden.inputs.map(unpacked);
  for (let i = 0; i < WARM; i += 1) await session.answer(inputs[i]);
  for (const network of session.networks) network.times = [];
  const result = { equal: 0, total: inputs.length, difference: 0, unequal: null };
  for (const [i, input] of inputs.entries()) {
    const compared = compare(await session.answer(input), expected[i]);
    result.difference = Math.max(result.difference, compared.difference);
    if (compared.same && compared.difference <= golden.tolerances[file]) result.equal += 1;
    else result.unequal ??= i + 1;
    progress(i + 1);
  }
  const times = session.networks.flatMap((network) => network.times);
  return { ...result, calls: times.length, p50: quantile(times, 0.5), p95: quantile(times, 0.95) };
}

/** Compare one answer with Python's: what is said and what goes in must be the same. */
export function compare(found, packed) {
  const expected = { answer: packed.answer, outputs: unpacked(packed.outputs), inputs: unpacked(packed.inputs) };
  const said = JSON.stringify(found.answer) === JSON.stringify(expected.answer);
  const given = Object.entries(expected.inputs).every(
    ([name, array]) => largestDifference(found.inputs?.[name] ?? [], array) === 0,
  );
  return { same: said && given, difference: largestDifference(found.outputs, expected.outputs) };
}
