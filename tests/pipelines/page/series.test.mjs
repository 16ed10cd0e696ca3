import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const module = (name) => import(`${process.env.MODULES}/${name}.js`);
const { SeriesReader, periodsOf, timeText } = await module("series");
const { largestDifference } = await module("arrays");

test("series are read as in Python", () => {
  for (const { file, text, manifest, error, window, ahead, rows } of cases.series) {
    const reader = new SeriesReader(manifest);
    if (error) {
      assert.throws(() => reader.read(text, file), new RegExp(`^Error: ${file}: .*expected`), file);
      continue;
    }
    const found = reader.read(text, file);
    assert.ok(largestDifference(found.window, window) < 1e-6, file);
    assert.deepEqual(found.ahead.map((each) => (reader.hasTimes ? timeText(each) : String(each))), ahead, file);
    assert.equal(found.past.length, rows, file);
  }
});

test("the calendar suits the step, or is chosen", () => {
  assert.deepEqual(periodsOf([], [3600, 0]), ["day", "week"]);
  assert.deepEqual(periodsOf([], [0, 1]), ["year"]);
  assert.deepEqual(periodsOf(["none"], [86400, 0]), []);
  assert.deepEqual(periodsOf(["week"], [86400, 0]), ["week"]);
  assert.deepEqual(periodsOf([], [0, 0]), []);
});
