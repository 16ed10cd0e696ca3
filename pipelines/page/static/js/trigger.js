// The trigger of pipelines/ondevice/trigger.py. A test compares the two.
import { argmax } from "./arrays.js";

/** Fires when the smoothed probability of a label reaches a threshold, as the class of that name in Python. */
export class Trigger {
  constructor(labels, { threshold, smoothing, suppression, ignored = [] }) {
    this.labels = labels;
    this.fires = labels.map((label) => !ignored.includes(label));
    this.threshold = threshold;
    this.smoothing = smoothing;
    this.suppression = suppression;
    this.reset();
  }

  /** Start a new stream. */
  reset() {
    this.last = [];
    this.step = -1;
    this.quietUntil = 0;
    this.armed = this.labels.map(() => true);
    this.scores = this.labels.map(() => 0);
  }

  /** Take the probabilities of the next step; return {step, label, score} of what fires, or null. */
  push(posterior) {
    this.step += 1;
    this.last.push(Float64Array.from(posterior));
    if (this.last.length > this.smoothing) this.last.shift();
    const mean = (k) => this.last.reduce((sum, each) => sum + each[k], 0) / this.last.length;
    this.scores = this.labels.map((_, k) => mean(k));
    let best = 0;
    this.scores.forEach((score, k) => {
      if (score < this.threshold) this.armed[k] = true;
      const here = this.fires[k] ? score : -1;
      if (here > (this.fires[best] ? this.scores[best] : -1)) best = k;
    });
    const ready = this.fires[best] && this.armed[best] && this.step >= this.quietUntil;
    if (!ready || this.scores[best] < this.threshold) return null;
    this.armed[best] = false;
    this.quietUntil = this.step + this.suppression + 1;
    return { step: this.step, label: this.labels[best], score: this.scores[best] };
  }
}

/** Follows the label of a stream without flicker, as the class of that name in Python. */
export class Steady {
  constructor(smoothing, enter, leave) {
    Object.assign(this, { smoothing, enter, leave });
    this.reset();
  }

  /** Start a new stream. */
  reset() {
    this.last = [];
    this.label = -1;
  }

  /** Take the probabilities of the next step; return the number of the label, -1 before any. */
  push(posterior) {
    this.last.push(posterior);
    if (this.last.length > this.smoothing) this.last.shift();
    const mean = (_, k) => this.last.reduce((sum, each) => sum + each[k], 0) / this.last.length;
    const scores = Array.from(posterior, mean);
    const best = argmax(scores);
    const free = this.label < 0 || scores[this.label] < this.leave;
    if (scores[best] >= this.enter && free) this.label = best;
    return this.label;
  }
}

/** Cuts a stream that arrives in pieces of any size into packets of a fixed size. */
export class Packets {
  constructor(size) {
    this.size = size;
    this.rest = new Float32Array(0);
  }

  /** Take the next samples; return the packets that they complete. */
  push(piece) {
    const waiting = new Float32Array(this.rest.length + piece.length);
    waiting.set(this.rest);
    waiting.set(piece, this.rest.length);
    const whole = Math.floor(waiting.length / this.size);
    this.rest = waiting.slice(whole * this.size);
    return Array.from({ length: whole }, (_, i) => waiting.slice(i * this.size, (i + 1) * this.size));
  }
}
