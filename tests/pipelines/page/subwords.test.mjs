import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const module = (name) => import(`${process.env.MODULES}/${name}.js`);
const { normalized, Subwords } = await module("subwords");
const { Translator, wordsOf } = await module("translator");

test("texts are normalised and cut into pieces as in Python", () => {
  for (const { text, normal } of cases.texts) assert.equal(normalized(text), normal, JSON.stringify(text));
  for (const { file, pieces, ids } of cases.models) {
    const subwords = new Subwords(JSON.parse(file));
    cases.texts.forEach(({ text }, i) => {
      const found = subwords.pieces(text);
      assert.deepEqual(found, pieces[i], JSON.stringify(text));
      assert.deepEqual(found.map((piece) => subwords.id(piece)), ids[i], JSON.stringify(text));
    });
  }
});

/** Return the two parts of a network whose answers stand in a table. */
function networks(table, attention) {
  const encoder = { main: "serve", run: async (name, { source }) => ({ features: [name, ...source] }) };
  const decoder = {
    initial: async () => ({ at: 0 }),
    step: async ({ tokens: [token], features, source }, before) => {
      assert.deepEqual(features, ["serve", ...source]);
      const at = (3 * before.at + token + 1) % table.length;
      const scores = Float32Array.from(table[at], (each) => each ?? -Infinity);
      return { outputs: { log_probabilities: scores, attention: Float32Array.from(attention[at]) }, state: { at } };
    },
  };
  return [encoder, decoder];
}

test("texts are answered as in Python", async () => {
  const subwords = new Subwords(JSON.parse(cases.models[0].file));
  for (const { preprocessing, search, table, attention, told } of cases.answers) {
    const translator = new Translator(subwords, preprocessing);
    const { alternatives, beams, length_penalty: lengthPenalty, no_repeat_ngram: noRepeatNgram } = search;
    for (const { text, read, unread, answers } of told) {
      assert.deepEqual(translator.read(text), { pieces: read, unread });
      const settings = { alternatives, beams, lengthPenalty, noRepeatNgram };
      const found = await translator.answers(networks(table, attention), read, settings);
      const plain = found.map((each) => ({ ...each, attention: each.attention.map((row) => [...row]) }));
      const numbers = (each) => each.map(({ logProbability }) => logProbability);
      numbers(answers).forEach((expected, i) => assert.ok(Math.abs(numbers(found)[i] - expected) < 1e-5));
      const rest = (each) => each.map(({ logProbability, ...more }) => more);
      assert.deepEqual(rest(plain), rest(answers), JSON.stringify(text));
    }
  }
});

test("the pieces of a word share its attention", () => {
  const pieces = ["\u2581the", "\u2581L", "ORD", "\n", "is", "\u2581", "\u2581my"];
  const attention = pieces.map((_, i) => Float32Array.of(i, 1));
  const words = [["the", 0], ["LORD", 1.5], ["is", 4], ["my", 6]];
  assert.deepEqual(wordsOf({ pieces, attention }), words.map(([text, first]) => ({ text, attention: [first, 1] })));
  assert.deepEqual(wordsOf({ pieces: [], attention: [] }), []);
});

test("a search ends when what is between its steps throws", async () => {
  const { preprocessing, table, attention } = cases.answers[0];
  const translator = new Translator(new Subwords(JSON.parse(cases.models[0].file)), preprocessing);
  const stop = async () => {
    throw new Error("another text");
  };
  const search = { alternatives: 1, beams: 2, lengthPenalty: 0 };
  await assert.rejects(translator.answers(networks(table, attention), ["a"], search, stop), /another text/);
});
