// The page of an app that hears words: at the microphone or in a file, with their times.
import { argmax } from "../js/arrays.js";
import { element, fileDrop } from "../js/dom.js";
import { Listener } from "../js/listener.js";
import { Queue } from "../js/queue.js";
import { firstLine } from "../js/runtime.js";
import { Scroll } from "../js/scroll.js";
import { microphone, samplesOf } from "../js/sound.js";

const SHOWN = 200;
const AT_ONCE = 50;
const PCM = 1 / 32768;

export async function create({ bundle, settings }) {
  return new Sounds(bundle, settings);
}

class Sounds {
  prefers = "step";

  constructor(bundle, settings) {
    this.bundle = bundle;
    this.settings = { ...settings };
    this.given = settings.threshold;
    this.queue = new Queue((samples) => this.hear(samples), (error) => (this.problem.textContent = firstLine(error)));
    this.stop = null;
    this.run = 0;
    this.button = element("button.first", { type: "button", id: "listen", onclick: () => this.toggle() }, "Listen");
    this.level = element("input", {
      type: "range", id: "threshold", min: 0.05, max: 1, step: 0.05, value: settings.threshold,
      oninput: () => this.changed(),
    });
    this.shown = element("output", { for: "threshold", id: "level" });
    this.wave = element("canvas", { role: "img", "aria-label": "The wave of the last seconds" });
    this.labels = element("canvas", { role: "img", "aria-label": "The probability of each label in the last seconds" });
    this.labels.style.height = `${Math.max(6, bundle.labels.length)}rem`;
    this.said = element("p.soft", { id: "stream" }, "Say one of: ", this.words().join(", "), ".");
    this.heard = element("ol.heard", { id: "heard", "aria-live": "polite", "aria-label": "Words heard", tabindex: "0" });
    this.problem = element("p.bad", { role: "alert", id: "problem" });
    const threshold = element("label", { for: "threshold" }, "Threshold");
    const drop = fileDrop("Or drop a sound file here:", "audio/*", (file) => this.file(file));
    this.element = element(
      "div", {}, element("p.row", {}, this.button, threshold, this.level, this.shown), this.problem, this.said,
      this.wave, this.labels, this.heard, drop,
    );
    this.changed();
  }

  words() {
    return this.bundle.labels.filter((label) => !this.settings.ignored.includes(label));
  }

  unit(record) {
    const { packet, sample_rate: rate } = this.bundle.preprocessing;
    return record.execution === "step" ? `A packet of ${(1000 * packet) / rate} ms` : "One clip";
  }

  listener(network) {
    return new Listener(network, this.bundle.preprocessing, this.bundle.labels, this.settings);
  }

  async open(record, load) {
    const network = await load(record);
    const answer = record.execution === "step" ? streamed : whole;
    const listener = new Listener(network, this.bundle.preprocessing, this.bundle.labels, {
      ...this.settings, threshold: this.given,
    });
    const heard = (clip) => answer(listener, network, Float32Array.from(clip, (sample) => sample * PCM), this.bundle);
    return { networks: [network], answer: heard };
  }

  /** Take a network, and start anew. */
  async use(session) {
    await this.halt();
    await this.queue.done;
    this.current = this.listener(session.networks[0]);
    await this.current.reset();
    this.scroll = new Scroll(this.wave, this.labels, this.bundle.labels, this.current.rate / this.current.size);
  }

  changed() {
    this.settings.threshold = Number(this.level.value);
    this.shown.textContent = this.settings.threshold.toFixed(2);
    if (this.current) this.current.trigger.threshold = this.settings.threshold;
  }

  async toggle() {
    this.problem.textContent = "";
    if (this.stop) {
      await this.halt();
      return;
    }
    this.button.disabled = true;
    try {
      await this.fresh();
      this.stop = await microphone(this.current.rate, this.bundle.preprocessing.packet, (data) => this.queue.push(data));
      this.button.textContent = "Stop";
    } catch (error) {
      this.problem.textContent = firstLine(error);
    }
    this.button.disabled = false;
  }

  async halt() {
    await this.stop?.();
    this.stop = null;
    this.button.textContent = "Listen";
  }

  /** Begin a new stream. */
  async fresh() {
    this.run += 1;
    await this.queue.done;
    await this.current.reset();
    this.heard.replaceChildren();
    this.scroll.clear();
  }

  async file(file) {
    this.problem.textContent = "";
    try {
      await this.halt();
      const samples = await samplesOf(file, this.current.rate);
      await this.fresh();
      const { run } = this;
      const size = this.current.size * AT_ONCE;
      for (let start = 0; start < samples.length && run === this.run; start += size) {
        await this.queue.push(samples.subarray(start, start + size));
        // Let the browser paint.
        await new Promise((resume) => setTimeout(resume));
      }
    } catch (error) {
      this.problem.textContent = firstLine(error);
    }
  }

  async hear(samples) {
    const listener = this.current;
    const results = await listener.push(samples);
    results.forEach(({ posterior, event, seconds }, i) => {
      const part = samples.subarray(i * listener.size, (i + 1) * listener.size);
      this.scroll.push(part.length ? part : samples, posterior);
      if (event) this.show(event, seconds);
    });
    const seconds = (listener.heard * listener.size) / listener.rate;
    this.said.textContent = `${listener.heard} packets heard, ${seconds.toFixed(1)} s, ${this.queue.waiting - 1} waiting.`;
  }

  show({ label, score }, seconds) {
    const time = `${seconds.toFixed(2)} s`;
    const row = element("li", {}, element("span", {}, time), element("b", {}, label), element("span", {}, score.toFixed(2)));
    this.heard.prepend(row);
    while (this.heard.children.length > SHOWN) this.heard.lastChild.remove();
  }
}

/** Answer as Python does on a streaming file: every packet's probabilities, and the words in order. */
async function streamed(listener, network, samples) {
  await listener.reset();
  const results = await listener.push(samples);
  const outputs = results.flatMap(({ posterior }) => Array.from(posterior));
  return { answer: results.flatMap(({ event }) => (event ? [event.label] : [])), outputs };
}

/** Answer as Python does on a file for whole clips. */
async function whole(listener, network, samples, bundle) {
  const [{ name }] = network.inputs;
  const made = await network.run(network.main, { [name]: samples });
  const outputs = Object.values(made)[0];
  return { answer: bundle.labels[argmax(outputs)], outputs };
}
