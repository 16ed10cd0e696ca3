// Labelled segments of a stream, as pipelines/tasks/segments.py finds them.
import { roundedToEven } from "./listener.js";
import { Steady } from "./trigger.js";

export class Segments {
  /**
   * @param {string[]} labels
   * @param {number} step seconds from one posterior to the next
   * @param {object} settings smoothing_ms, enter, leave, ignored
   * @param {number} delay seconds that the network sees after what it answers for
   */
  constructor(labels, step, { smoothing_ms: smoothing, enter, leave, ignored }, delay = 0) {
    Object.assign(this, { labels, step, ignored, delay });
    this.steady = new Steady(Math.max(1, roundedToEven(smoothing / 1000 / step)), enter, leave);
    this.reset();
  }

  reset() {
    this.steady.reset();
    this.heard = 0;
    this.all = [];
  }

  /** Take the next posterior; return the label of the stream, or undefined. */
  push(posterior) {
    const label = this.steady.push(posterior);
    this.heard += 1;
    const last = this.all.at(-1);
    if (last?.label === label) last.end = this.heard;
    else this.all.push({ first: this.heard - 1, end: this.heard, label });
    return this.name(label);
  }

  name(label) {
    const name = this.labels[label];
    return this.ignored.includes(name) ? undefined : name;
  }

  /** Return the segments so far, in seconds. */
  get found() {
    const named = this.all.filter(({ label, end }) => this.name(label) && end * this.step > this.delay);
    return named.map(({ first, end, label }) => ({
      start: Math.max(0, first * this.step - this.delay), end: end * this.step - this.delay, label: this.labels[label],
    }));
  }
}
