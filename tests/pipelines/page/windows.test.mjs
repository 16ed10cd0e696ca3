import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const module = (name) => import(`${process.env.MODULES}/${name}.js`);
const { ClipStream } = await module("clip_stream");
const { greyOf, sampled } = await module("frames");

/** A network that keeps what it sees, and answers with the label whose number is in the middle of it. */
function network(execution, labels, seen) {
  const answer = (window) => ({ probabilities: Float32Array.from(labels, (_, k) => Number(window[window.length >> 1] === k)) });
  return {
    record: { execution }, inputs: [{ name: "frames" }], main: "main",
    initial: async () => ({ window: [] }),
    step: async ({ frames }, { window: before }) => {
      const window = [...before, ...frames];
      if (window.length === 8) seen.push(window);
      return { outputs: answer(window), state: { window } };
    },
    run: async (_, { frames }) => (seen.push([...frames]), answer(frames)),
  };
}

test("windows and segments are those of Python, of streaming files, too", async () => {
  for (const { bundle, frames, windows, spans, even, whole } of cases.streams) {
    for (const execution of ["loop", "step"]) {
      const seen = [];
      const stream = new ClipStream(network(execution, bundle.labels, seen), bundle, cases.settings);
      for (let run = 0; run < 2; run += 1) {
        seen.length = 0;
        await stream.reset();
        for (const frame of frames) await stream.push(Float32Array.of(frame));
        await stream.finish();
        assert.deepEqual(seen, windows);
        assert.equal(stream.single, whole !== null);
        if (whole) assert.equal(stream.name, whole);
        assert.deepEqual(stream.found.map(({ label }) => label), spans.map(({ label }) => label));
        if (even) {
          stream.found.forEach(({ start, end }, i) => {
            assert.ok(Math.abs(start - spans[i].start) + Math.abs(end - spans[i].end) < 1e-6);
          });
        }
      }
    }
  }
});

test("a network that labels frames answers to each, and its segments lie a delay before", async () => {
  const labels = ["a", "b", "_none_"];
  const preprocessing = { sample_rate: 4, samples: 8, packet: 1, shape: [1, 2], delay: 0.25 };
  const bundle = { labels, preprocessing, manifest: { config: { answer: "frame" } } };
  const now = {
    record: { execution: "step" }, inputs: [{ name: "frames" }], initial: async () => ({}),
    step: async ({ frames }) => ({ outputs: { p: Float32Array.from(labels, (_, k) => Number(frames[1] === k)) }, state: {} }),
  };
  const clip = Float32Array.from([0, 0, 0, 0, 1, 1, 1, 1, 2, 2].flatMap((number) => [7, number]));
  const { answer, outputs } = await new ClipStream(now, bundle, cases.settings).answer(clip);
  assert.deepEqual([answer, outputs.length], [["a", "b"], 30]);
  const stream = new ClipStream(now, bundle, cases.settings);
  await stream.reset();
  for (const frame of stream.framesIn(clip)) await stream.push(frame);
  assert.deepEqual(stream.found, [{ start: 0, end: 0.75, label: "a" }, { start: 0.75, end: 1.75, label: "b" }]);
  assert.deepEqual([stream.name, stream.single], [undefined, false]);
});

test("grey is that of Pillow", () => {
  assert.deepEqual([...greyOf(Uint8Array.of(255, 255, 255, 10, 20, 30, 255, 0, 0, 0, 0, 255))], [255, 18, 76, 29]);
});

test("frames are taken at their times, also when the browser is late", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const video = Object.assign(new EventTarget(), { currentTime: 0, duration: 1 });
  let [count, ends] = [0, 0];
  sampled(video, 10, () => (count += 1), () => (ends += 1));
  const counts = [0.04, 0.1, 0.45, 0.46, 0.93, 1].map((time) => {
    video.currentTime = time;
    context.mock.timers.tick(50);
    return count;
  });
  assert.deepEqual(counts, [1, 2, 5, 5, 10, 10]);
  video.dispatchEvent(new Event("ended"));
  video.currentTime = 0;
  context.mock.timers.tick(50);
  assert.deepEqual([count, ends], [10, 1]);
});
