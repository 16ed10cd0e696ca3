// What a network sees in a clip or a stream of frames, as the app action_recognition tells it in Python.
import { argmax } from "./arrays.js";
import { Listener } from "./listener.js";
import { Segments } from "./segments.js";
import { Windows } from "./windows.js";

export class ClipStream {
  /**
   * @param {object} network what runs
   * @param {object} bundle its config says whether the network tells clips, window by window, or each frame
   * @param {object} settings smoothing_ms, enter, leave, ignored
   */
  constructor(network, { preprocessing, labels, manifest }, settings) {
    const { sample_rate: rate, shape, delay } = preprocessing;
    Object.assign(this, { labels, rate, width: shape.reduce((product, each) => product * each, 1) });
    this.whole = manifest.config.answer === "clip";
    if (this.whole) {
      this.windows = new Windows(network, preprocessing, manifest.config.hop);
      // An answer tells the middle of its window.
      this.early = (this.windows.length - this.windows.hop) / 2 / rate;
      this.segments = new Segments(labels, this.windows.step, settings, -this.early);
    } else {
      this.listener = new Listener(network, preprocessing, labels, { ...settings, threshold: 1, suppression_ms: 0 });
      this.segments = new Segments(labels, this.listener.size / rate, settings, delay);
    }
  }

  /** Start a new stream. */
  async reset() {
    this.windows?.reset();
    await this.listener?.reset();
    this.segments.reset();
    Object.assign(this, { heard: 0, answers: 0, name: undefined, single: false });
  }

  /** Take the next frame; return the probabilities that it brings, in a list. */
  async push(frame) {
    this.heard += 1;
    if (this.whole) return this.take(await this.windows.push(frame));
    return this.take((await this.listener.push(frame)).map(({ posterior }) => posterior));
  }

  /** Take the end of the stream; return the probabilities that it brings, in a list. A short clip gets its label. */
  async finish() {
    const posteriors = this.take(this.whole ? await this.windows.finish() : []);
    this.single = this.whole && this.answers === 1;
    if (this.single) this.name = this.labels[argmax(this.latest)];
    return posteriors;
  }

  take(posteriors) {
    for (const each of posteriors) {
      this.name = this.segments.push(each);
      this.latest = each;
    }
    this.answers += posteriors.length;
    return posteriors;
  }

  /** The seconds so far. */
  get seconds() {
    return this.heard / this.rate;
  }

  /** The segments so far. The answers to the first and the last window hold from the start, and until now. */
  get found() {
    const { whole, early, segments, seconds } = this;
    const until = segments.heard * segments.step - segments.delay;
    return segments.found.map(({ start, end, label }) => ({
      start: whole && start <= early ? 0 : start, end: whole && end >= until ? seconds : end, label,
    }));
  }

  /** Return a clip's frames. */
  framesIn(clip) {
    const { width } = this;
    return Array.from({ length: clip.length / width }, (_, i) => clip.subarray(i * width, (i + 1) * width));
  }

  /** Return what Python says of a clip: its label, or the labels of its segments, and all probabilities. */
  async answer(clip) {
    await this.reset();
    const posteriors = [];
    for (const frame of this.framesIn(clip)) posteriors.push(...(await this.push(frame)));
    posteriors.push(...(await this.finish()));
    const labels = this.segments.found.map(({ label }) => label);
    return { answer: this.whole ? this.name : labels, outputs: posteriors.flatMap((each) => Array.from(each)) };
  }
}
