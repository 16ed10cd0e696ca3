// Runs a network on the windows of a stream, each from the initial state, as pipelines/tasks/window_finder.py does.
import { roundedToEven } from "./listener.js";

export class Windows {
  /**
   * @param {object} network step(inputs, state), initial(), run(name, inputs), and what it is made of
   * @param {object} preprocessing sample_rate, samples (of a window)
   * @param {number} hop seconds from one window to the next
   */
  constructor(network, { sample_rate: rate, samples }, hop) {
    Object.assign(this, { network, length: samples, hop: Math.max(1, roundedToEven(hop * rate)) });
    this.step = this.hop / rate;
    this.reset();
  }

  /** Start a new stream. */
  reset() {
    this.latest = [];
    this.heard = 0;
    this.lacking = this.length;
  }

  /** Take the next frame; return the probabilities of the window that it completes, in a list. */
  async push(frame) {
    this.latest.push(frame);
    if (this.latest.length > this.length) this.latest.shift();
    this.heard += 1;
    this.lacking -= 1;
    if (this.lacking) return [];
    this.lacking = this.hop;
    return [await this.posterior(this.latest)];
  }

  /** Return the answer to the window that ends where the stream ends, in a list; none if it was given. */
  async finish() {
    const told = this.heard >= this.length && this.lacking === this.hop;
    return told || !this.heard ? [] : [await this.posterior(this.latest)];
  }

  /** Return the probabilities of one window; copies of its first frame precede a short one. */
  async posterior(frames) {
    const { network } = this;
    const [{ name }] = network.inputs;
    const window = [...Array(this.length - frames.length).fill(frames[0]), ...frames];
    if (network.record.execution !== "step") {
      const all = new frames[0].constructor(this.length * frames[0].length);
      window.forEach((frame, i) => all.set(frame, i * frame.length));
      return Object.values(await network.run(network.main, { [name]: all }))[0];
    }
    let [state, outputs] = [await network.initial()];
    for (const frame of window) ({ outputs, state } = await network.step({ [name]: frame }, state));
    return Object.values(outputs)[0];
  }
}
