import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const module = (name) => import(`${process.env.MODULES}/${name}.js`);
const { nBest } = await module("beam_search");
const { Alphabet } = await module("alphabet");
const { Writer } = await module("writer");

test("beam search finds what Python finds", async () => {
  for (const { table, options, count, results } of cases.searches) {
    const network = {
      initial: async () => 0,
      step: async (token, before) => {
        const at = (3 * before + token + 1) % table.length;
        return { scores: Float32Array.from(table[at]), outputs: [at], state: at };
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
