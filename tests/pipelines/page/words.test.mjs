import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const module = (name) => import(`${process.env.MODULES}/${name}.js`);
const { WordReader, wordsOf } = await module("words");
const { chainOf, nextTag, spanProbabilities, spansOf, viterbi } = await module("tags");
const { largestDifference } = await module("arrays");

test("texts are cut into words and numbered as in Python", () => {
  const readers = Object.entries(cases.readers).map(([name, file]) => [name, new WordReader(JSON.parse(file))]);
  for (const { text, words, rows } of cases.texts) {
    const found = wordsOf(text);
    assert.deepEqual(found.map((each) => each.text), words, JSON.stringify(text));
    assert.ok(found.every(({ text: each, start, end }) => text.slice(start, end) === each));
    for (const [name, reader] of readers) assert.deepEqual([...reader.encode(words, 9)], rows[name], JSON.stringify(text));
  }
});

test("tags are decoded as in Python", () => {
  for (const { output, tags, rows, chosen, best, spans, by_step: byStep, probabilities } of cases.chains) {
    const given = Float32Array.from(output);
    const chain = chainOf(given, tags, rows, chosen);
    assert.deepEqual(viterbi(chain), best);
    assert.deepEqual(spansOf(best), spans);
    assert.ok(largestDifference(spanProbabilities(chain, spans), probabilities) < 1e-6);
    let last = 0;
    assert.deepEqual(chosen.map((row) => (last = nextTag(given.subarray(row * tags, (row + 1) * tags), last))), byStep);
  }
  assert.deepEqual([viterbi({ scores: [] }), spanProbabilities({}, [])], [[], []]);
});
