import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const module = (name) => import(`${process.env.MODULES}/${name}.js`);
const { nBest } = await module("beam_search");
const { Alphabet } = await module("alphabet");
const { fitted, normal, strokesOf, svg, write } = await module("pen");
const { largestDifference } = await module("arrays");
const { Writer } = await module("writer");

test("beam search finds what Python finds", async () => {
  for (const { table, options, count, results } of cases.searches) {
    const network = {
      initial: async () => 0,
      step: async (token, before) => {
        const at = (3 * before + token + 1) % table.length;
        return { scores: Float32Array.from(table[at], (each) => each ?? -Infinity), outputs: [at], state: at };
      },
    };
    const found = await nBest(network, { start: 4, end: 0, maxTokens: 9 }, options, count);
    assert.equal(found.length, results.length);
    found.forEach(({ logProbability, ...rest }, i) => {
      const { logProbability: expected, ...same } = results[i];
      assert.deepEqual(rest, same);
      assert.ok(Math.abs(logProbability - expected) < 1e-5);
    });
  }
});

test("text is read, written and completed as in Python", async () => {
  for (const { characters, table, draws, texts } of cases.writings) {
    const network = {
      inputs: [{ name: "symbols" }],
      initial: async () => 0,
      step: async ({ symbols: [symbol] }, before) => {
        const at = (3 * before + symbol + 1) % table.length;
        return { outputs: { probabilities: Float32Array.from(table[at]) }, state: at };
      },
    };
    const alphabet = new Alphabet(characters);
    const writer = new Writer(network, alphabet);
    for (const { text, numbers, unknown, written, words } of texts) {
      assert.deepEqual(alphabet.encode(text), numbers);
      assert.deepEqual(alphabet.unknown(text), unknown);
      let next = 0;
      assert.equal(await writer.write(text, draws.length, { temperature: 0.7 }, () => draws[next++]), written);
      const found = await writer.complete(text, 3);
      assert.deepEqual(found.map(({ word }) => word), words.map(({ word }) => word));
      found.forEach(({ probability }, i) => assert.ok(Math.abs(probability - words[i].probability) < 1e-6));
    }
    assert.deepEqual(await writer.complete("a", 3, undefined, () => true), []);
  }
});

test("a pen writes as in Python", async () => {
  for (const { table, told, settings, numbers, results } of cases.pens) {
    const rows = [];
    const network = {
      inputs: [{ name: "rows" }],
      initial: async () => 0,
      step: async (given, at) => {
        rows.push([...given.rows]);
        return { outputs: { numbers: Float32Array.from(table[at % table.length]) }, state: at + 1 };
      },
    };
    let next = 0;
    const { offsets, finished } = await write(network, told, settings, () => numbers[next++]);
    assert.equal(finished, results.finished);
    assert.ok(largestDifference(offsets.flat(), results.offsets.flat()) < 1e-5);
    assert.deepEqual(rows[0], [0, 0, 0, ...told]);
    assert.deepEqual(rows[1].slice(0, 2), offsets[0].slice(0, 2));
    const strokes = strokesOf(offsets, [2, 3]);
    assert.ok(largestDifference(strokes.flat(2), results.points.flatMap(([x, y]) => [x, y])) < 1e-4);
    assert.equal(strokes.length, results.offsets.filter(([, , pen]) => pen).length);
    const { width, height, strokes: placed } = fitted(strokes, 300);
    assert.ok(placed.flat().every(([x, y]) => x >= 12 && y >= 12 && x <= width - 12 && y <= height - 12));
    assert.match(svg(strokes, "a < b"), /^<svg .*<title>a &lt; b<.*<path d="M[0-9. L]+M.*<.svg>\n$/s);
  }
  const many = Array.from({ length: 2000 }, (_, i) => normal((i % 50) / 50, Math.floor(i / 50) / 40)).flat();
  const mean = many.reduce((sum, each) => sum + each, 0) / many.length;
  const variance = many.reduce((sum, each) => sum + each ** 2, 0) / many.length;
  assert.ok(Math.abs(mean) < 0.05 && Math.abs(variance - 1) < 0.1);
});
