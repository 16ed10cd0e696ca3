// The page of an app that forecasts: paste or drop a table, and see what comes next, with its uncertainty.
import { colour, prepared } from "../js/canvas.js";
import { element, fileDrop, labelled, select } from "../js/dom.js";
import { firstLine } from "../js/runtime.js";
import { SeriesReader, timeText } from "../js/series.js";

const WAIT = 200;
const SHOWN = 3;
const PASTED = "the table";

export async function create({ bundle, settings, examples }) {
  const { config } = bundle.manifest;
  if (config.series_column || config.future_covariates.length) {
    throw new Error("This page forecasts one series, from its past only.");
  }
  return new Series(bundle, settings, examples);
}

class Series {
  prefers = "loop";

  constructor(bundle, { levels }, examples) {
    Object.assign(this, { bundle, levels, examples, turn: 0, next: 1 });
    this.reader = new SeriesReader(bundle.manifest);
    const { names, targets, hasTimes } = this.reader;
    const columns = [...(hasTimes ? ["times"] : []), ...names].join(", ");
    this.input = element("textarea", { id: "table", spellcheck: "false", oninput: () => this.changed() });
    this.input.value = examples[0];
    this.target = select("target", targets, targets[0]);
    this.target.onchange = () => this.draw();
    const more = element("button", { type: "button", id: "another", onclick: () => this.example() }, "Another example");
    this.problem = element("p.bad", { role: "alert", id: "problem" });
    this.said = element("p.soft", { id: "said", role: "status" });
    this.canvas = element("canvas", { id: "fan", role: "img", "aria-label": "The forecast" });
    this.canvas.style.height = "16rem";
    this.rows = element("tbody", { id: "forecast" });
    this.head = element("tr");
    const table = element("table", {}, element("thead", {}, this.head), this.rows);
    const drop = fileDrop("Or drop a CSV file here:", ".csv,.tsv,.txt,text/csv", async (file) => this.take(await file.text()));
    this.element = element(
      "div", {}, element("label", { for: "table" }, `Paste a CSV with the columns ${columns}`), this.input, drop,
      element("p.row", {}, ...labelled("Show", this.target), more), this.problem, this.said, this.canvas,
      element("div.wide", { tabindex: "0", role: "region", "aria-label": "The forecast as a table" }, table),
    );
  }

  unit(record) {
    return record.execution === "step" ? "One step" : "One forecast";
  }

  async open(record, load) {
    const network = await load(record);
    const run = record.execution === "step" ? (each) => this.byStep(network, each) : (each) => this.whole(network, each);
    const { targets, deviation } = this.reader;
    const answer = async (text) => {
      const { window, ahead } = this.reader.read(text, PASTED);
      const numbers = await run(window);
      const levels = numbers.length / (ahead.length * targets.length);
      const outputs = numbers.map((each, i) => each / deviation[Math.floor(i / levels) % targets.length]);
      return { answer: ahead.map((each) => this.time(each)), outputs, inputs: { series: window } };
    };
    return { networks: [network], answer, run };
  }

  async whole(network, window) {
    const [{ name }] = network.inputs;
    return Object.values(await network.run(network.main, { [name]: window }))[0];
  }

  async byStep(network, window) {
    const [{ name }] = network.inputs;
    const width = window.length / this.reader.lookBack;
    let [made, state] = [null, await network.initial()];
    for (let at = 0; at < window.length; at += width) {
      made = await network.step({ [name]: window.subarray(at, at + width) }, state);
      state = made.state;
    }
    return Object.values(made.outputs)[0];
  }

  time(seconds) {
    return this.reader.hasTimes ? timeText(seconds) : String(seconds);
  }

  async use(session) {
    this.session = session;
    await this.show();
  }

  example() {
    this.take(this.examples[this.next % this.examples.length]);
    this.next += 1;
  }

  take(text) {
    this.input.value = text;
    this.show();
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show(), WAIT);
  }

  async show() {
    const turn = (this.turn += 1);
    this.problem.textContent = "";
    try {
      const read = this.reader.read(this.input.value, PASTED);
      const numbers = await this.session.run(read.window);
      if (turn !== this.turn) return;
      this.read = read;
      this.numbers = numbers;
      this.draw();
    } catch (error) {
      if (turn === this.turn) this.problem.textContent = firstLine(error);
    }
  }

  /** Return for each step of the forecast of a target its quantiles, or its one value. */
  quantiles(place) {
    const { targets, horizon } = this.reader;
    const levels = this.numbers.length / (targets.length * horizon);
    const at = (step) => (step * targets.length + place) * levels;
    return Array.from({ length: horizon }, (_, step) => Array.from(this.numbers.slice(at(step), at(step) + levels)));
  }

  draw() {
    if (!this.read) return;
    const place = this.target.selectedIndex;
    const found = this.quantiles(place);
    const name = this.reader.targets[place];
    const day = this.reader.step[0] % 86400 === 0 ? 10 : 16;
    const times = this.read.ahead.map((each) => this.time(each).replace("T", " ").slice(0, day));
    const middle = (each) => each[(each.length - 1) / 2];
    const short = (number) => Number(number.toPrecision(4)).toString();
    const low = this.levels.indexOf(0.1);
    const ends = (each) => (each.length > 1 ? `${short(each[low])} to ${short(each.at(-1 - low))}` : "–");
    this.said.textContent = `${name} from ${times[0]}: ${short(middle(found[0]))}; 80 % of the values lie within ${ends(found[0])}.`;
    this.canvas.setAttribute("aria-label", `The last values of ${name} and the forecast; the table below has its numbers`);
    this.head.replaceChildren(...["time", name, "80 %"].map((text) => element("th", { scope: "col" }, text)));
    const cells = (each) => [short(middle(each)), ends(each)].map((text) => element("td", {}, text));
    this.rows.replaceChildren(...found.map((each, i) => element("tr", {}, element("th", { scope: "row" }, times[i]), ...cells(each))));
    this.fan(this.read.past.slice(-SHOWN * this.reader.horizon).map((row) => row[place]), found);
  }

  /** Draw the past, and the intervals of the forecast around its median. */
  fan(past, found) {
    const { context, width, height } = prepared(this.canvas);
    const all = [...past.filter(Number.isFinite), ...found.flat()];
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const x = (step) => 44 + ((width - 52) * step) / (past.length + found.length - 1);
    const y = (value) => height - 10 - ((height - 20) * (value - low)) / Math.max(1e-9, high - low);
    const line = (points) => {
      context.beginPath();
      points.forEach(([step, value]) => context.lineTo(x(step), y(value)));
    };
    context.fillStyle = context.strokeStyle = colour("--accent");
    const from = (pick) => found.map((each, i) => [past.length + i, pick(each)]);
    for (let k = 0; k < Math.floor(found[0].length / 2); k += 1) {
      line([...from((each) => each[k]), ...from((each) => each[each.length - 1 - k]).reverse()]);
      context.globalAlpha = 0.2;
      context.fill();
    }
    context.globalAlpha = 1;
    context.lineWidth = 2;
    const last = past.findLastIndex(Number.isFinite);
    line([[last, past[last]], ...from((each) => each[(each.length - 1) / 2])]);
    context.stroke();
    context.fillStyle = context.strokeStyle = colour("--text");
    line(past.map((value, i) => [i, value]).filter(([, value]) => Number.isFinite(value)));
    context.stroke();
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const value of [low, (low + high) / 2, high]) context.fillText(Number(value.toPrecision(3)).toString(), 4, y(value));
  }
}
