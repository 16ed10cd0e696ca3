import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const module = (name) => import(`${process.env.MODULES}/${name}.js`);
const { normalize, tokenize, Tokenizer } = await module("tokenizer");
const { Packets, Trigger } = await module("trigger");
const { argmax, largestDifference, quantile, unpacked } = await module("arrays");
const { initialState } = await module("state");
const { check, compare } = await module("check");
const { Listener } = await module("listener");
const { cells, report, said } = await module("table");

const { distribution, draw, seeded } = await module("sampling");
const { notesOf, opening, pieceOf } = await module("voices");
const { midi } = await module("midi");

const packed = (array, dtype) => ({
  dtype, shape: [array.length], data: Buffer.from(array.buffer).toString("base64"),
});

test("texts are cut as in Python", () => {
  const tokenizer = new Tokenizer(cases.tokenizer);
  cases.texts.forEach(({ text, normal, tokens }, i) => {
    assert.equal(normalize(text), normal);
    assert.deepEqual(tokenize(text), tokens);
    assert.deepEqual([...tokenizer.padded(tokenizer.truncate(tokens))], cases.ids[i]);
  });
});

test("the trigger fires as in Python", () => {
  for (const { labels, options, posteriors, events } of cases.streams) {
    const trigger = new Trigger(labels, options);
    for (let run = 0; run < 2; run += 1) {
      assert.deepEqual(posteriors.map((each) => trigger.push(each)).filter(Boolean), events);
      trigger.reset();
    }
  }
});

test("packets are cut from pieces of any size, and no sample is lost", () => {
  const packets = new Packets(4);
  const found = [3, 1, 9, 0, 2].flatMap((size, i) => packets.push(new Float32Array(size).fill(i)));
  assert.deepEqual(found.map((each) => [...each]), [[0, 0, 0, 1], [2, 2, 2, 2], [2, 2, 2, 2]]);
  assert.deepEqual([...packets.rest], [2, 4, 4]);
});

test("arrays: largest, difference, quantiles, base64", () => {
  assert.equal(argmax([1, 3, 3]), 1);
  assert.equal(largestDifference([1, 2], [1, 2.5]), 0.5);
  assert.equal(largestDifference([1], [1, 2]), Infinity);
  assert.equal(largestDifference([1, NaN], [1, 2]), Infinity);
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.deepEqual(unpacked({ a: packed(new Int16Array([1, -2]), "int16") }), { a: new Int16Array([1, -2]) });
});

test("states that share a tensor share their start", () => {
  const of = (name, ...shape) => ({ name, shape });
  const step = { inputs: [of("a", 1, 2), of("b", 1, 2), of("x", 1, 4)] };
  const zeros = new Float32Array(2);
  const signatures = { step, init: { outputs: [of("a", 1, 2), of("a", 1, 2)] } };
  assert.deepEqual(initialState(["a", "b"], signatures, { a: zeros }, "f"), { a: zeros, b: zeros });
  signatures.init.outputs.pop();
  assert.throws(() => initialState(["a", "b"], signatures, { a: zeros }, "f"), /f: expected the state b/);
});

test("a stream keeps its state and its times", async () => {
  const network = {
    record: { execution: "step" }, inputs: [{ name: "samples" }], initial: async () => ({ sum: 0 }),
    step: async ({ samples }, { sum }) => ({ outputs: { p: Float32Array.of(samples[0], 1 - samples[0]) }, state: { sum: sum + 1 } }),
  };
  const settings = { threshold: 0.9, smoothing_ms: 20, suppression_ms: 0, ignored: ["_silence_"] };
  const listener = new Listener(network, { packet: 320, sample_rate: 16000 }, ["yes", "_silence_"], settings);
  await listener.reset();
  const quiet = await listener.push(new Float32Array(500));
  assert.deepEqual(quiet.map(({ event }) => event), [null]);
  const heard = await listener.push(new Float32Array(500).fill(1));
  assert.deepEqual(heard.map(({ event, seconds }) => [event?.label, seconds]), [[undefined, 0.04], ["yes", 0.06]]);
  assert.equal(listener.state.sum, 3);
});

test("answers are compared with Python's", async () => {
  const outputs = packed(new Float32Array([0.25, 0.75]), "float32");
  const inputs = { tokens: packed(new Int32Array([1, 2]), "int32") };
  const expected = { answer: "good", outputs, inputs };
  const right = { answer: "good", outputs: [0.25, 0.75], inputs: { tokens: [1, 2] } };
  assert.deepEqual(compare(right, expected), { same: true, difference: 0 });
  assert.deepEqual(compare({ ...right, answer: "bad" }, expected), { same: false, difference: 0 });
  assert.equal(compare({ ...right, inputs: { tokens: [1, 3] } }, expected).same, false);
  assert.equal(compare({ ...right, inputs: {} }, expected).same, false);
  const golden = { inputs: ["a", "b"], answers: { f: [expected, expected] }, tolerances: { f: 0.1 } };
  const network = { times: [] };
  const answers = { a: right, b: { ...right, outputs: [0, 1] } };
  const session = { networks: [network], answer: async (input) => (network.times.push(2), answers[input]) };
  // The three calls before the measured ones have inputs that are there.
  golden.inputs.push("a");
  golden.answers.f.push(expected);
  const result = await check(session, golden, "f");
  assert.deepEqual(result, { equal: 2, total: 3, difference: 0.25, unequal: 2, calls: 3, p50: 2, p95: 2 });
  assert.equal(said(result), "2 of 3 equal, largest difference 3e-1. The first that differs is input 2.");
});

test("the table says what was measured and what was refused", () => {
  const record = { file: "f", precision: "int8", execution: "step", bytes: 12345 };
  assert.deepEqual(cells(record), ["int8, step", "12,345", "–", "–", "–", "–"]);
  assert.deepEqual(cells(record, { refused: "no" }).slice(4), ["no", "–"]);
  const result = { equal: 20, total: 20, difference: 3e-7, unequal: null, calls: 9, p50: 0.5, p95: 12.34 };
  assert.deepEqual(cells(record, result).slice(2), ["0.50", "12.3", "20 of 20", "3e-7"]);
  const machine = { userAgent: "u", hardwareConcurrency: 2 };
  const made = report({ app: "a" }, "r", [record], new Map([["f", result]]), machine);
  assert.equal(made.variants[0].largest_difference, 3e-7);
  assert.equal(made.variants[0].p95, 12.34);
});

test("classes are drawn as in Python", () => {
  for (const { p, options, number, shares, drawn } of cases.draws) {
    assert.ok(largestDifference(distribution(p, options), shares) < 1e-12);
    assert.equal(draw(p, options, () => number), drawn);
  }
  assert.throws(() => distribution([0, 0]), /expected a probability above 0/);
  const [first, again, other] = [seeded(1), seeded(1), seeded(2)];
  const numbers = Array.from({ length: 100 }, first);
  assert.deepEqual(numbers, Array.from({ length: 100 }, again));
  assert.notDeepEqual(numbers, Array.from({ length: 100 }, other));
  assert.ok(numbers.every((each) => each >= 0 && each < 1));
});

test("tokens become notes as in Python", () => {
  for (const { tokens, piece, notes } of cases.pieces) {
    assert.deepEqual(pieceOf(tokens), piece);
    assert.deepEqual(notesOf(piece), notes);
  }
  for (const [key, chord] of Object.entries(cases.openings)) assert.deepEqual(opening(key, 4), chord);
  writeFileSync(process.env.MIDI, midi(cases.pieces[0].notes, 4, 4, 84));
});
