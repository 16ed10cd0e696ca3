// The page of an app that labels the samples of sensors: of the phone's own, or of a file, while they arrive.
import { element, fileDrop } from "../js/dom.js";
import { Listener } from "../js/listener.js";
import { hasAll, motion } from "../js/motion.js";
import { Queue } from "../js/queue.js";
import { stretches } from "../js/recording.js";
import { firstLine } from "../js/runtime.js";
import { Scroll } from "../js/scroll.js";
import { Segments } from "../js/segments.js";

const SHOWN = 200;
const AT_ONCE = 20;

export async function create({ bundle, settings, examples }) {
  return new Signals(bundle, settings, examples);
}

class Signals {
  prefers = "step";

  constructor(bundle, settings, examples) {
    Object.assign(this, { bundle, settings, examples, next: 0, stop: null, run: 0 });
    this.channels = bundle.preprocessing.channels;
    this.events = bundle.manifest.config.answer === "events";
    const known = bundle.labels.every((label) => settings.names[label]);
    this.named = (label) => (known ? settings.names[label] : label);
    const problem = (error) => (this.problem.textContent = firstLine(error));
    this.queue = new Queue((samples) => this.hear(samples), problem);
    const button = (kind, id, text, act) => {
      const tried = () => Promise.resolve(act()).catch(problem);
      return element(kind, { type: "button", id, onclick: () => ((this.problem.textContent = ""), tried()) }, text);
    };
    this.button = button("button.first", "listen", "Motion sensor", () => this.toggle());
    this.button.hidden = !hasAll(this.channels);
    const more = button("button", "another", "Another example", () => this.example());
    this.label = element("p.answer", { id: "label", role: "status" });
    this.wave = element("canvas", { role: "img", "aria-label": `The last seconds of ${this.channels.join(", ")}` });
    this.labels = element("canvas", { role: "img", "aria-label": "The probability of each label in the last seconds" });
    this.labels.style.height = `${Math.max(6, 1.2 * bundle.labels.length)}rem`;
    this.said = element("p.soft", { id: "stream" });
    this.problem = element("p.bad", { role: "alert", id: "problem" });
    this.found = element("ol.heard", { id: "heard", "aria-label": "What was found, and when", tabindex: "0" });
    const drop = fileDrop(
      `Or drop a CSV with columns time and ${this.channels.join(", ")}:`, ".csv,.tsv,.txt,text/csv",
      (file) => this.file(file).catch(problem),
    );
    this.element = element(
      "div", {}, element("p.row", {}, this.button, more), this.problem, this.label, this.said, this.wave, this.labels,
      this.found, drop,
    );
  }

  unit(record) {
    const { packet, sample_rate: rate } = this.bundle.preprocessing;
    return record.execution === "step" ? `A packet of ${(1000 * packet) / rate} ms` : "One window";
  }

  async open(record, load) {
    const network = await load(record);
    const answer = async (signal) => {
      const stream = this.stream(network);
      await stream.listener.reset();
      const results = await stream.listener.push(signal);
      const labels = this.events
        ? results.flatMap(({ event }) => (event ? [event.label] : []))
        : (results.forEach(({ posterior }) => stream.segments.push(posterior)), stream.segments.found.map(({ label }) => label));
      return { answer: labels, outputs: results.flatMap(({ posterior }) => Array.from(posterior)) };
    };
    return { networks: [network], answer };
  }

  /** Return {listener, segments}: what hears a network's events, and what finds its segments. */
  stream(network) {
    const { preprocessing, labels } = this.bundle;
    const { packet, sample_rate: rate, delay } = preprocessing;
    const around = Math.round((1000 * (this.settings.event_steps - 1) * packet) / rate);
    const events = { ...this.settings, smoothing_ms: around, suppression_ms: around };
    const listener = new Listener(network, preprocessing, labels, events);
    return { listener, segments: new Segments(labels, listener.size / rate, this.settings, delay) };
  }

  /** Take a network, and run the first example with it. */
  async use(session) {
    this.halt();
    await this.queue.done;
    Object.assign(this, this.stream(session.networks[0]));
    this.scroll = new Scroll(
      this.wave, this.labels, this.bundle.labels.map(this.named), this.listener.rate / this.listener.size, this.channels.length,
    );
    this.next = 0;
    await this.example();
  }

  async toggle() {
    if (this.stop) {
      this.halt();
      return;
    }
    await this.fresh();
    const fail = (error) => {
      this.halt();
      this.problem.textContent = firstLine(error);
    };
    this.stop = await motion(this.channels, this.listener.rate, (samples) => this.queue.push(samples), fail);
    this.button.textContent = "Stop";
  }

  halt() {
    this.stop?.();
    this.stop = null;
    this.run += 1;
    this.button.textContent = "Motion sensor";
  }

  /** Begin a new stream. */
  async fresh() {
    this.run += 1;
    await this.queue.done;
    await this.restart(0);
    this.earlier = [];
    this.found.replaceChildren();
    this.scroll.clear();
  }

  /** Begin to read what starts at a time in seconds. */
  async restart(seconds) {
    await this.listener.reset();
    this.segments.reset();
    this.start = seconds;
  }

  async example() {
    this.halt();
    const samples = this.examples[this.next % this.examples.length];
    this.next += 1;
    await this.read([{ start: 0, samples }], `Example ${1 + ((this.next - 1) % this.examples.length)}`);
  }

  async file(file) {
    this.halt();
    this.problem.textContent = "";
    const { sample_rate: rate } = this.bundle.preprocessing;
    await this.read(stretches(await file.text(), file.name, this.channels, rate), file.name);
  }

  /** Read stretches of a recording; at each gap the network starts anew. */
  async read(pieces, name) {
    await this.fresh();
    this.name = name;
    const { run } = this;
    const size = this.listener.size * this.channels.length * AT_ONCE;
    for (const { start, samples } of pieces) {
      this.earlier.push(...this.spans());
      await this.restart(start);
      for (let at = 0; at < samples.length && run === this.run; at += size) {
        await this.queue.push(samples.subarray(at, at + size));
        // Let the browser paint.
        await new Promise((resume) => setTimeout(resume));
      }
    }
  }

  async hear(samples) {
    const { listener } = this;
    const width = listener.size * this.channels.length;
    const [before, results] = [listener.packets.rest, await listener.push(samples)];
    const all = Float32Array.from([...before, ...samples]);
    let name;
    results.forEach(({ posterior, event, seconds }, i) => {
      this.scroll.push(all.subarray(i * width, (i + 1) * width), posterior);
      if (!this.events) name = this.segments.push(posterior);
      else if (event) this.marked(event.label, seconds);
    });
    if (results.length) this.show(name);
  }

  marked(label, seconds) {
    const at = this.start + seconds + this.listener.size / this.listener.rate / 2 - this.bundle.preprocessing.delay;
    if (at >= this.start) this.earlier.push({ start: at, end: at, label });
  }

  /** Return the segments of this stretch, at the times of the recording. */
  spans() {
    const moved = ({ start, end, label }) => ({ start: this.start + start, end: this.start + end, label });
    return this.events ? [] : this.segments.found.map(moved);
  }

  show(name) {
    const { listener } = this;
    const seconds = this.start + (listener.heard * listener.size) / listener.rate;
    const spans = [...this.earlier, ...this.spans()];
    const told = this.events ? `${spans.length} events` : (name ? this.named(name) : "nothing yet");
    if (this.label.textContent !== told) this.label.textContent = told;
    const from = this.stop ? "The motion sensor" : this.name;
    this.said.textContent = `${from}: ${seconds.toFixed(1)} s, ${spans.length} found, ${this.queue.waiting - 1} waiting.`;
    const rows = spans.slice(-SHOWN).reverse().map(({ start, end, label }) => {
      const time = this.events ? `${start.toFixed(2)} s` : `${start.toFixed(1)} to ${end.toFixed(1)} s`;
      return element("li", {}, element("span", {}, time), element("b", {}, this.named(label)));
    });
    this.found.replaceChildren(...rows);
  }
}
