// The page of an app that writes with a pen: a text becomes strokes, which appear as the pen moves.
import { Alphabet } from "../js/alphabet.js";
import { colour, prepared } from "../js/canvas.js";
import { download, element, slider } from "../js/dom.js";
import { pace } from "../js/pace.js";
import { fitted, normal, strokesOf, svg, write } from "../js/pen.js";
import { firstLine } from "../js/runtime.js";
import { seeded } from "../js/sampling.js";

const POINTS_A_SECOND = 120;
const START = "Hello, world";

export async function create({ bundle, settings, fail }) {
  if (bundle.preprocessing.answer !== "strokes" || !bundle.preprocessing.alphabet) {
    throw new Error("This page shows networks that write texts.");
  }
  return new Strokes(bundle, settings, fail);
}

class Strokes {
  constructor(bundle, settings, fail) {
    Object.assign(this, { settings, fail, run: 0, strokes: [] });
    const { alphabet, characters, deviation } = bundle.preprocessing;
    Object.assign(this, { alphabet: new Alphabet(alphabet), characters, deviation });
    this.input = element("input", { type: "text", id: "text", maxlength: characters - 1, value: START, spellcheck: "false" });
    this.button = element("button.first", { type: "submit", id: "write" }, "Write");
    this.keep = element("button", { type: "button", id: "svg", disabled: true, onclick: () => this.save() }, "Download SVG");
    const neat = slider("bias", "Neatness", { min: 0, max: 5, step: 0.1, value: settings.bias });
    this.bias = neat.input;
    this.canvas = element("canvas", { id: "writing", role: "img", "aria-label": "Nothing is written yet" });
    this.said = element("p.soft", { id: "said", role: "status" });
    this.problem = element("p.bad", { role: "alert", id: "problem" });
    const submitted = (event) => {
      event.preventDefault();
      this.write();
    };
    this.element = element(
      "form", { onsubmit: submitted }, element("label", { for: "text" }, `Type a text of at most ${characters - 1} characters`),
      this.input, element("p.row", {}, this.button, this.keep), element("p.row", {}, ...neat.parts), this.problem,
      this.canvas, this.said,
    );
  }

  unit() {
    return "One step of the pen";
  }

  /** Open a network: its session writes with the numbers that an input gives. */
  async open(record, load) {
    const network = await load(record);
    const answer = async ({ text, draws }) => {
      const settings = { bias: this.settings.bias, steps: draws.length / 4 };
      let next = 0;
      const four = () => draws.subarray(4 * next, 4 * (next += 1));
      const { offsets, finished } = await write(network, this.told(text), settings, four);
      const lifted = offsets.flatMap(([, , pen], i) => (pen ? [i] : []));
      const outputs = offsets.flatMap(([dx, dy]) => [dx, dy]);
      return { answer: { lifted, finished }, outputs };
    };
    return { networks: [network], answer };
  }

  /** Return the numbers of a text's characters, with zeros behind. */
  told(text) {
    const unknown = this.alphabet.unknown(text);
    if (unknown.length) throw new Error(`Unknown characters: ${unknown.join(" ")}`);
    const numbers = this.alphabet.encode(text).map((each) => each + 1);
    const most = this.characters - 1;
    if (!numbers.length || numbers.length > most) throw new Error(`Expected 1 to ${most} characters, got ${numbers.length}.`);
    return [...numbers, ...new Array(this.characters - numbers.length).fill(0)];
  }

  async use(session) {
    this.run += 1;
    this.session = session;
    await this.write();
  }

  async write() {
    const run = (this.run += 1);
    this.problem.textContent = "";
    try {
      const [text, start] = [this.input.value, performance.now()];
      const settings = { bias: Number(this.bias.value), steps: this.settings.steps };
      const random = seeded(Math.random() * 2 ** 32);
      const numbers = () => [random(), random(), ...normal(random(), random())];
      const between = pace();
      const { offsets, finished } = await write(this.session.networks[0], this.told(text), settings, numbers, async () => {
        await between();
        return run === this.run;
      });
      if (run !== this.run) return;
      const speed = (1000 * offsets.length) / (performance.now() - start);
      const stopped = finished ? "" : " Stopped: it has the largest length.";
      this.strokes = strokesOf(offsets, this.deviation);
      this.written = text;
      this.said.textContent = `${this.strokes.length} strokes, ${offsets.length} steps, ${speed.toFixed(0)} a second.${stopped}`;
      this.canvas.setAttribute("aria-label", `“${text}”, written with a pen`);
      this.keep.disabled = false;
      this.appear(run);
    } catch (error) {
      this.problem.textContent = firstLine(error);
    }
  }

  /** Let the strokes appear as the pen moves. */
  appear(run) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const all = this.strokes.flat().length;
    const start = performance.now();
    const frame = (now) => {
      if (run !== this.run) return;
      const points = still ? all : Math.min(all, Math.ceil(((now - start) / 1000) * POINTS_A_SECOND));
      this.draw(points, points === all);
      if (points < all) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** Draw the first points, and the pen where it is. */
  draw(points, whole) {
    const { strokes, width, height } = fitted(this.strokes, this.canvas.clientWidth);
    this.canvas.style.height = `${height + 2}px`;
    const { context, width: room } = prepared(this.canvas);
    context.translate((room - width) / 2, 0);
    Object.assign(context, { strokeStyle: colour("--text"), lineWidth: 2.5, lineCap: "round", lineJoin: "round" });
    let left = points;
    let pen;
    for (const stroke of strokes) {
      const seen = stroke.slice(0, Math.max(0, left));
      left -= stroke.length;
      context.beginPath();
      for (const [x, y] of seen) context.lineTo(x, y);
      if (seen.length === 1) context.lineTo(seen[0][0] + 0.1, seen[0][1]);
      context.stroke();
      pen = seen.at(-1) ?? pen;
    }
    if (whole || !pen) return;
    context.fillStyle = colour("--bad");
    context.beginPath();
    context.arc(...pen, 4, 0, 2 * Math.PI);
    context.fill();
  }

  save() {
    download("writing.svg", svg(this.strokes, this.written), "image/svg+xml");
  }
}
