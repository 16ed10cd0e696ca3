import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const module = (name) => import(`${process.env.MODULES}/${name}.js`);
const { column, parseCsv } = await module("csv");
const { factor, stretches } = await module("recording");
const { Regular, hasAll } = await module("motion");
const { Segments } = await module("segments");
const { Queue } = await module("queue");
const { largestDifference } = await module("arrays");

test("recordings are read as in Python", () => {
  for (const { file, text, channels, rate, stretches: expected, error } of cases.recordings) {
    if (error) {
      assert.throws(() => stretches(text, file, channels, rate), new RegExp(`^Error: ${file}: expected`), file);
      continue;
    }
    const found = stretches(text, file, channels, rate);
    assert.equal(found.length, expected.length, file);
    found.forEach(({ start, samples }, i) => {
      assert.ok(Math.abs(start - expected[i].start) < 1e-6, file);
      assert.ok(largestDifference(samples, expected[i].samples) < 1e-4, file);
    });
  }
});

test("segments are found as in Python", () => {
  for (const { labels, settings, delay, step, posteriors, spans } of cases.streams) {
    const segments = new Segments(labels, step, settings, delay);
    for (let run = 0; run < 2; run += 1) {
      segments.reset();
      for (const each of posteriors) segments.push(each);
      assert.deepEqual(segments.found.map(({ label }) => label), spans.map(({ label }) => label));
      segments.found.forEach(({ start, end }, i) => {
        assert.ok(Math.abs(start - spans[i].start) + Math.abs(end - spans[i].end) < 1e-6);
      });
    }
  }
});

test("tables: delimiters, quotes, missing cells, and what is wrong", () => {
  const table = parseCsv('\ufeffa;"b ""c""";d\r\n1;"x;\ny";\r\n2.5;z;NaN\r\n', "t.csv");
  assert.deepEqual(table, { names: ["a", 'b "c"', "d"], rows: [["1", "x;\ny", ""], ["2.5", "z", "NaN"]] });
  assert.deepEqual([...column(table, "a", "t.csv")], [1, 2.5]);
  assert.deepEqual([...column(table, "d", "t.csv")], [NaN, NaN]);
  assert.throws(() => column(table, 'b "c"', "t.csv"), /t.csv: row 2: b "c": expected a number, found x/);
  assert.throws(() => parseCsv("a,b\n", "t.csv"), /t.csv: expected a table with rows/);
  assert.throws(() => parseCsv("a,b\n1,2,3\n", "t.csv"), /t.csv: row 2: expected 2 cells, found 3/);
});

test("readings of the motion sensor become samples at equal times", () => {
  const regular = new Regular(50);
  const found = [[100, 1], [117, 2], [150, 5], [150, 9], [180, 8]].flatMap(([time, x]) => regular.push(time, [x, -x]));
  const expected = [1, 2 + 9 / 33, 2 + (3 * 23) / 33, 6, 8];
  assert.ok(largestDifference(found.map(([x]) => x), expected) < 1e-9);
  assert.ok(found.every(([x, y]) => x === -y));
  assert.deepEqual([hasAll(["ax [g]", "wz"]), hasAll(["ax", "ecg"])], [true, false]);
  assert.ok(Math.abs(factor("deg/s", "rad/s") - Math.PI / 180) < 1e-12);
  assert.deepEqual([factor("g", "rad/s"), factor(undefined, "g")], [1, 1]);
});

test("a queue works in order, also after a failure", async () => {
  const [done, failed] = [[], []];
  const queue = new Queue(async (item) => {
    if (item === 2) throw new Error("two");
    done.push(item);
  }, (error) => failed.push(error.message));
  queue.push(1);
  queue.push(2);
  assert.equal(queue.waiting, 2);
  await queue.push(3);
  assert.deepEqual([done, failed, queue.waiting], [[1, 3], ["two"], 0]);
});
