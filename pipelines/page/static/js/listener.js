// Hears words in a stream of samples, as pipelines/tasks/events.py does.
import { Packets, Trigger } from "./trigger.js";

const SLIDE = 5;

/** Runs a network on packets: a streaming one keeps its state, another one runs on the latest samples. */
export class Listener {
  /**
   * @param {object} network step(inputs, state), initial(), run(name, inputs), and what it is made of
   * @param {object} preprocessing sample_rate, samples (of a clip), packet; channels or shape, if a sample has several numbers
   * @param {string[]} labels
   * @param {object} settings ignored, threshold, smoothing_ms, suppression_ms
   */
  constructor(network, preprocessing, labels, settings) {
    Object.assign(this, { network, preprocessing, labels });
    this.streaming = network.record.execution === "step";
    this.size = preprocessing.packet * (this.streaming ? 1 : SLIDE);
    this.rate = preprocessing.sample_rate;
    this.channels = preprocessing.shape?.reduce((product, each) => product * each, 1) ?? preprocessing.channels?.length ?? 1;
    const steps = (ms) => roundedToEven((ms / 1000) * this.rate / this.size);
    this.trigger = new Trigger(labels, {
      threshold: settings.threshold, ignored: settings.ignored,
      smoothing: Math.max(1, steps(settings.smoothing_ms)), suppression: steps(settings.suppression_ms),
    });
    this.heard = 0;
  }

  /** Start a new stream. */
  async reset() {
    this.packets = new Packets(this.size * this.channels);
    this.trigger.reset();
    this.heard = 0;
    this.window = new Float32Array(this.preprocessing.samples * this.channels);
    this.state = this.streaming ? await this.network.initial() : null;
  }

  /** Take the next samples; return {posterior, event, seconds} for each packet that they complete. */
  async push(samples) {
    const results = [];
    for (const packet of this.packets.push(samples)) {
      const posterior = await this.posterior(packet);
      const event = this.trigger.push(posterior);
      this.heard += 1;
      results.push({ posterior, event, seconds: (this.heard * this.size) / this.rate });
    }
    return results;
  }

  async posterior(packet) {
    const [{ name }] = this.network.inputs;
    let outputs;
    if (this.streaming) {
      ({ outputs, state: this.state } = await this.network.step({ [name]: packet }, this.state));
    } else {
      this.window.copyWithin(0, packet.length);
      this.window.set(packet, this.window.length - packet.length);
      outputs = await this.network.run(this.network.main, { [name]: this.window });
    }
    return Object.values(outputs)[0].slice(-this.labels.length);
  }
}

/** Round as Python does: halves to the even neighbour. */
export function roundedToEven(number) {
  const below = Math.floor(number);
  if (number - below !== 0.5) return Math.round(number);
  return below % 2 ? below + 1 : below;
}
