// The page of an app that describes images: the sentence word by word, with attention painted over the image.
import { nBest } from "../js/beam_search.js";
import { camera } from "../js/camera.js";
import { element, fileDrop } from "../js/dom.js";
import { canvasOf, drawSquare, pictureOf, pixelsOf } from "../js/image.js";
import { firstLine } from "../js/runtime.js";

const SHOWN = 320;
const PAUSE = 350;
const END = 0;
const HINT = "Choose a word to see where the network looked for it.";

export async function create({ bundle, settings, examples }) {
  const bytes = await bundle.asset(bundle.preprocessing.vocabulary);
  return new Captions(bundle, JSON.parse(new TextDecoder().decode(bytes)), settings, examples);
}

class Captions {
  prefers = "loop";

  constructor(bundle, words, settings, examples) {
    Object.assign(this, { bundle, words, settings, examples, turn: 0, next: 0, stop: null });
    this.size = bundle.preprocessing.image_size;
    this.limits = { start: words.length + 2, end: END, maxTokens: bundle.preprocessing.max_words };
    this.canvas = element("canvas.picture", { id: "image", width: SHOWN, height: SHOWN, role: "img", "aria-label": "The image" });
    this.video = element("video.picture", { "aria-label": "The camera", playsinline: true, hidden: true });
    this.video.muted = true;
    this.caption = element("p.answer", { id: "caption", role: "status" });
    this.buttons = element("p.row", { id: "words", role: "group", "aria-label": HINT });
    this.note = element("p.note", {}, HINT);
    this.problem = element("p.bad", { role: "alert", id: "problem" });
    const button = (id, text, act) => element("button", { type: "button", id, onclick: () => this.trying(act) }, text);
    this.shutter = button("camera", "Camera", () => this.shoot());
    const more = button("another", "Another example", () => this.example());
    const drop = fileDrop("Drop or choose a picture:", "image/*", (file) => this.trying(() => this.file(file)));
    this.element = element(
      "div", {}, this.canvas, this.video, this.caption, this.buttons, this.note, this.problem,
      element("p.row", {}, this.shutter, more), drop,
    );
  }

  unit() {
    return "One part of the network";
  }

  /** Open both parts of the network in the precision of a file. */
  async open({ precision }, load) {
    const networks = await this.bundle.parts(["encode", "decode"], precision, load);
    const answer = async (pixels) => {
      const found = await this.describe(networks, pixels);
      const outputs = [found.logProbability, ...found.outputs.flatMap(({ attention }) => Array.from(attention))];
      return { answer: this.text(found), outputs };
    };
    return { networks, answer };
  }

  /** Search for the caption of an image. */
  async describe([encoder, decoder], pixels) {
    const [{ name: image }] = encoder.inputs;
    const { features } = await encoder.run(encoder.main, { [image]: pixels });
    const network = {
      initial: () => decoder.initial(),
      step: async (token, before) => {
        const { outputs, state } = await decoder.step({ tokens: Int32Array.of(token), features }, before);
        return { scores: outputs.log_probabilities, outputs: { attention: outputs.attention }, state };
      },
    };
    const { beams, length_penalty: lengthPenalty } = this.settings;
    const [best] = await nBest(network, this.limits, { beams, lengthPenalty });
    return best;
  }

  text({ tokens }) {
    return tokens.map((token) => this.words[token - 1]).join(" ");
  }

  /** Take a network, and describe the picture that is there with it. */
  async use(session) {
    this.session = session;
    if (!this.picture) await this.example();
    else await this.show(this.picture, this.pixels);
  }

  async trying(act) {
    this.problem.textContent = "";
    try {
      await act();
    } catch (error) {
      this.problem.textContent = firstLine(error);
    }
  }

  async example() {
    this.close();
    const pixels = this.examples[this.next % this.examples.length];
    this.next += 1;
    await this.show(canvasOf(pixels, this.size), pixels);
  }

  async file(file) {
    this.close();
    await this.take(await pictureOf(file));
  }

  /** Open the camera, or take its picture. */
  async shoot() {
    if (this.stop) {
      const picture = await createImageBitmap(this.video);
      this.close();
      await this.take(picture);
      return;
    }
    this.stop = await camera(this.video);
    this.turn += 1;
    this.seen(true);
  }

  close() {
    this.stop?.();
    this.stop = null;
    this.seen(false);
  }

  seen(camera) {
    this.video.hidden = !camera;
    this.canvas.hidden = camera;
    this.shutter.textContent = camera ? "Take the picture" : "Camera";
  }

  async take(picture) {
    const small = element("canvas", { width: this.size, height: this.size });
    const context = small.getContext("2d", { willReadFrequently: true });
    drawSquare(context, picture, this.size);
    await this.show(picture, pixelsOf(context, this.size));
  }

  /** Find the sentence of a picture, and let it appear. */
  async show(picture, pixels) {
    const turn = (this.turn += 1);
    Object.assign(this, { picture, pixels });
    this.paint();
    this.caption.textContent = "";
    this.buttons.replaceChildren();
    const found = await this.describe(this.session.networks, pixels);
    if (turn === this.turn) this.appear(found, turn);
  }

  /** Show the words one by one, and where the network looked for each. */
  async appear(found, turn) {
    const words = this.text(found).split(" ").filter(Boolean);
    for (const [i, word] of words.entries()) {
      const paint = () => this.paint(found.outputs[i].attention);
      this.buttons.append(element("button", { type: "button", onclick: paint, onfocus: paint, onblur: () => this.paint() }, word));
      paint();
      await new Promise((resume) => setTimeout(resume, PAUSE));
      if (turn !== this.turn) return;
    }
    this.paint();
    this.caption.textContent = words.join(" ") || "(no word)";
    this.canvas.setAttribute("aria-label", `The image: ${this.caption.textContent}`);
  }

  /** Paint the picture, and the attention over it: dark where the network did not look. */
  paint(attention) {
    const context = this.canvas.getContext("2d");
    drawSquare(context, this.picture, SHOWN);
    if (!attention) return;
    const side = Math.round(Math.sqrt(attention.length));
    const largest = Math.max(...attention);
    const edge = (place) => Math.round((place * SHOWN) / side);
    attention.forEach((weight, i) => {
      const [row, column] = [Math.floor(i / side), i % side];
      context.fillStyle = `rgb(0 0 0 / ${(0.75 * (1 - weight / largest)).toFixed(3)})`;
      context.fillRect(edge(column), edge(row), edge(column + 1) - edge(column), edge(row + 1) - edge(row));
    });
  }
}
