// The page of an app that tells what happens in a video: of the camera, of a file, or in an example.
import { bar } from "../js/bars.js";
import { camera } from "../js/camera.js";
import { colour } from "../js/canvas.js";
import { ClipStream } from "../js/clip_stream.js";
import { element, fileDrop } from "../js/dom.js";
import { drawFrame, drawJoints, framesOf, played, sampled } from "../js/frames.js";
import { Queue } from "../js/queue.js";
import { firstLine } from "../js/runtime.js";

const SIDE = 320;
const SHOWN = 200;
const END = null;

export async function create({ bundle, settings, examples }) {
  return new Clips(bundle, settings, examples);
}

class Clips {
  constructor(bundle, settings, examples) {
    Object.assign(this, { bundle, settings, examples, next: 0, run: 0, stops: [] });
    const { kind, shape, sample_rate: rate, samples } = bundle.preprocessing;
    Object.assign(this, { shape, rate, window: samples / rate, joints: kind === "joints" });
    this.whole = bundle.manifest.config.answer === "clip";
    this.prefers = this.whole ? "loop" : "step";
    this.look = this.joints ? null : framesOf(shape[0], shape[2]);
    this.queue = new Queue((frame) => this.hear(frame), (error) => this.failed(error));
    this.element = this.built();
  }

  built() {
    const seen = { id: "seen", width: SIDE, height: SIDE, role: "img", "aria-label": "What the network sees" };
    this.canvas = element("canvas.picture.pixels", seen);
    this.video = element("video.picture", { "aria-label": "The video", playsinline: true, hidden: true });
    this.video.muted = true;
    this.label = element("p.answer", { id: "label", role: "status" });
    this.said = element("p.soft", { id: "stream" });
    this.problem = element("p.bad", { role: "alert", id: "problem" });
    this.bars = element("div.bars", { id: "bars", role: "group", "aria-label": "The probability of each label" });
    this.found = element("ol.heard", { id: "heard", "aria-label": "What was seen, and when", tabindex: "0" });
    const button = (kind, id, text, act) => element(kind, { type: "button", id, onclick: () => this.trying(act) }, text);
    this.button = button("button.first", "camera", "Camera", () => this.toggle());
    const more = button("button", "another", "Another example", () => this.example());
    const drop = fileDrop("Or drop a video:", "video/*", (file) => this.trying(() => this.file(file)));
    this.button.hidden = drop.hidden = this.joints;
    const pictures = element("div.row", {}, this.video, this.canvas);
    const row = element("p.row", {}, this.button, more);
    return element("div", {}, row, this.problem, pictures, this.label, this.said, this.bars, this.found, drop);
  }

  unit({ execution }) {
    return execution === "step" ? "A frame" : `A window of ${this.window.toFixed(1)} s`;
  }

  async open(record, load) {
    const network = await load(record);
    const stream = new ClipStream(network, this.bundle, this.settings);
    return { networks: [network], answer: (clip) => stream.answer(clip) };
  }

  /** Take a network, and show the example that is due. */
  async use({ networks: [network] }) {
    this.halt();
    await this.queue.done;
    this.stream = new ClipStream(network, this.bundle, this.settings);
    this.trying(() => this.example());
  }

  async trying(act) {
    this.problem.textContent = "";
    try {
      await act();
    } catch (error) {
      this.failed(error);
    }
  }

  failed(error) {
    this.halt();
    this.problem.textContent = firstLine(error);
  }

  halt() {
    this.run += 1;
    this.stops.splice(0).forEach((stop) => stop());
    this.video.hidden = true;
    this.button.textContent = "Camera";
  }

  /** Begin a new stream; return whether no other one was begun meanwhile. */
  async fresh(name) {
    this.halt();
    const { run } = this;
    await this.queue.done;
    if (run !== this.run) return false;
    await this.stream.reset();
    this.name = name;
    this.show(this.bundle.labels.map(() => 0));
    return run === this.run;
  }

  /** Play an example as it was filmed. */
  async example() {
    const number = this.next % this.examples.length;
    this.next += 1;
    if (!(await this.fresh(`Example ${number + 1}`))) return;
    const frames = this.stream.framesIn(this.examples[number]);
    const timer = setInterval(() => {
      const frame = frames.shift();
      if (frame) return this.take(frame);
      clearInterval(timer);
      return this.queue.push(END);
    }, 1000 / this.rate);
    this.stops.push(() => clearInterval(timer));
  }

  async file(file) {
    await this.watch(file.name, () => played(this.video, file));
  }

  async toggle() {
    if (this.button.textContent === "Stop") this.halt();
    else if (await this.watch("The camera", () => camera(this.video))) this.button.textContent = "Stop";
  }

  /** Take the frames of the video element while it plays what `open` opens; return whether it does. */
  async watch(name, open) {
    if (!(await this.fresh(name))) return false;
    const { run } = this;
    const stop = await open();
    if (run !== this.run) {
      stop();
      return false;
    }
    this.video.hidden = false;
    const take = () => this.take(this.look(this.video));
    this.stops.push(sampled(this.video, this.rate, take, () => this.queue.push(END)), stop);
    return true;
  }

  take(frame) {
    if (this.joints) drawJoints(this.canvas, frame, colour("--accent"));
    else drawFrame(this.canvas, frame, this.shape);
    this.queue.push(frame);
  }

  async hear(frame) {
    const { stream } = this;
    const posteriors = frame === END ? await stream.finish() : await stream.push(frame);
    this.show(posteriors.at(-1));
  }

  nameOf(label) {
    return this.settings.ignored.includes(label) ? "nothing" : label;
  }

  /** Show what is known of the stream, and new probabilities, if there are any. */
  show(posterior) {
    const { stream, bundle: { labels } } = this;
    const first = this.whole && !stream.answers ? `, an answer at the end or after ${this.window.toFixed(1)} s` : "";
    this.said.textContent = `${this.name}: ${stream.seconds.toFixed(1)} s${first}.`;
    const told = stream.answers ? this.nameOf(stream.name ?? this.settings.ignored[0]) : "";
    if (this.label.textContent !== told) this.label.textContent = told;
    if (posterior) this.bars.replaceChildren(...labels.flatMap((label, i) => bar(this.nameOf(label), posterior[i])));
    const spans = stream.single ? [] : stream.found.slice(-SHOWN).reverse();
    const rows = spans.map(({ start, end, label }) => {
      const time = `${start.toFixed(1)} to ${end.toFixed(1)} s`;
      return element("li", {}, element("span", {}, time), element("b", {}, label));
    });
    this.found.replaceChildren(...rows);
  }
}
