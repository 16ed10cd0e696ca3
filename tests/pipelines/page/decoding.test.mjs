import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const module = (name) => import(`${process.env.MODULES}/${name}.js`);
const { nBest } = await module("beam_search");

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
