// The page of an app that writes text: type, take one of the likeliest words, let the network go on.
import { Alphabet } from "../js/alphabet.js";
import { element, labelled, select, slider } from "../js/dom.js";
import { pace } from "../js/pace.js";
import { firstLine } from "../js/runtime.js";
import { seeded } from "../js/sampling.js";
import { begunWord, Writer } from "../js/writer.js";

const WAIT = 120;
const LENGTHS = [100, 200, 500, 1000];
const KEPT = 5;
const START = "In the begin";

export async function create({ bundle, settings, fail }) {
  return new Writing(new Alphabet(bundle.preprocessing.characters), settings, fail);
}

class Writing {
  constructor(alphabet, settings, fail) {
    Object.assign(this, { alphabet, settings, fail, turn: 0, writing: false });
    this.input = element("textarea", { id: "text", oninput: () => this.changed(), spellcheck: "true" });
    this.input.value = START;
    this.words = element("p.row", { id: "words", role: "group", "aria-label": "Likely words; choose one to take it" });
    this.remark = element("p.soft", { id: "remark" });
    this.button = element("button.first", { type: "button", id: "write", onclick: () => this.toggle() }, "Write on");
    this.size = select("size", LENGTHS, 200);
    const heat = slider("temperature", "Temperature", { min: 0, max: 1.5, step: 0.1, value: settings.temperature });
    this.temperature = heat.input;
    this.said = element("p.soft", { id: "said", role: "status" });
    this.problem = element("p.bad", { role: "alert", id: "problem" });
    this.samples = element("div", { id: "samples" });
    this.element = element(
      "div", {}, element("label", { for: "text" }, "Type the beginning of a text"), this.input, this.words, this.remark,
      element("p.row", {}, this.button, ...labelled("Characters", this.size)), element("p.row", {}, ...heat.parts),
      this.problem, this.said, this.samples,
    );
  }

  unit() {
    return "One character";
  }

  /** Open a network: its session writes with the draws that an input gives, or completes a word. */
  async open(record, load) {
    const network = await load(record);
    const writer = new Writer(network, this.alphabet);
    const answer = async ({ primer, draws }) => {
      if (!draws.length) {
        const words = await writer.complete(primer, this.settings.words);
        return { answer: words[0].word, outputs: words.map(({ probability }) => probability) };
      }
      const outputs = [];
      const seen = new Writer(remembering(network, outputs), this.alphabet);
      let next = 0;
      const text = await seen.write(primer, draws.length, this.sampling(this.settings.temperature), () => draws[next++]);
      return { answer: text, outputs };
    };
    return { networks: [network], answer, writer };
  }

  sampling(temperature) {
    return { temperature, topP: this.settings.top_p };
  }

  async use(session) {
    this.stop();
    this.writer = session.writer;
    await this.suggest();
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.suggest().catch(this.fail), WAIT);
  }

  /** Show the words that the text most probably goes on to. */
  async suggest() {
    if (this.writing) this.stop();
    const turn = (this.turn += 1);
    const unknown = this.alphabet.unknown(this.input.value);
    this.remark.textContent = unknown.length ? `Unknown characters are left out: ${unknown.join(" ")}` : "";
    const stale = () => turn !== this.turn;
    const words = await this.writer.complete(this.input.value, this.settings.words, pace(), stale);
    if (stale()) return;
    const share = ({ probability }) => element("span.soft", {}, ` ${Math.round(100 * probability)} %`);
    const taken = ({ word }) => () => this.take(word);
    this.words.replaceChildren(
      ...words.map((each) => element("button", { type: "button", onclick: taken(each) }, each.word, share(each))),
    );
  }

  /** Put a whole word in the place of the begun one. */
  take(word) {
    const text = this.input.value;
    this.input.value = `${text.slice(0, text.length - begunWord(text).length)}${word} `;
    this.input.focus();
    this.suggest().catch(this.fail);
  }

  stop() {
    this.turn += 1;
    this.writing = false;
    this.button.textContent = "Write on";
  }

  async toggle() {
    if (this.writing) {
      this.stop();
      this.said.textContent = "Stopped.";
      await this.suggest();
      return;
    }
    this.problem.textContent = "";
    clearTimeout(this.timer); // what was typed just before: to suggest words would end the writing
    this.writing = true;
    this.button.textContent = "Stop";
    try {
      await this.write((this.turn += 1));
    } catch (error) {
      this.problem.textContent = firstLine(error);
      this.stop();
    }
  }

  async write(turn) {
    const primer = this.input.value;
    const temperature = Number(this.temperature.value);
    const written = element("span");
    const head = element("p.note", {}, `At temperature ${temperature}:`);
    this.samples.prepend(element("div.sample", {}, head, element("p", {}, element("span.soft", {}, primer), written)));
    while (this.samples.children.length > KEPT) this.samples.lastChild.remove();
    this.said.textContent = "Writing.";
    const [between, start] = [pace(), performance.now()];
    const length = Number(this.size.value);
    const random = seeded(Math.random() * 2 ** 32);
    await this.writer.write(primer, length, this.sampling(temperature), random, async (piece) => {
      written.textContent += piece;
      await between();
      return turn === this.turn;
    });
    if (turn !== this.turn) return;
    const speed = (1000 * length) / (performance.now() - start);
    this.said.textContent = `${length} characters, ${speed.toFixed(0)} a second.`;
    this.stop();
    await this.suggest();
  }
}

/** Return a network that keeps all it has answered. */
function remembering(network, seen) {
  const step = async (...given) => {
    const made = await network.step(...given);
    for (const array of Object.values(made.outputs)) seen.push(...array);
    return made;
  };
  return { inputs: network.inputs, initial: () => network.initial(), step };
}
