// The page of a classifier of texts: type, and see the label and what it rests on.
import { argmax } from "../js/arrays.js";
import { bar } from "../js/bars.js";
import { element } from "../js/dom.js";
import { Tokenizer, tokenize } from "../js/tokenizer.js";

const WAIT = 120;
const SHOWN = 0.02;
const START = "The food was not bad at all, but nobody smiled.";

export async function create({ bundle, fail }) {
  const bytes = await bundle.asset(bundle.preprocessing.tokenizer);
  const tokenizer = new Tokenizer(JSON.parse(new TextDecoder().decode(bytes)));
  return new Texts(bundle, tokenizer, fail);
}

class Texts {
  prefers = "loop";

  constructor(bundle, tokenizer, fail) {
    Object.assign(this, { bundle, tokenizer, fail });
    this.session = null;
    this.turn = 0;
    this.input = element("textarea", { id: "text", oninput: () => this.changed(), spellcheck: "true" });
    this.input.value = START;
    this.label = element("p.answer", { role: "status", "aria-live": "polite" });
    this.remark = element("p.soft");
    this.bars = element("div.bars");
    this.words = element("p.words");
    this.note = element("p.note");
    const head = element("label", { for: "text" }, "Type a text");
    this.element = element("div", {}, head, this.input, this.label, this.remark, this.bars, this.words, this.note);
  }

  unit() {
    return "One text";
  }

  /** Open a network: a session that answers. */
  async open(record, load) {
    const network = await load(record);
    return { networks: [network], answer: (text) => this.answer(network, tokenize(text)) };
  }

  async answer(network, tokens) {
    const [{ name }] = network.inputs;
    const ids = this.tokenizer.padded(this.tokenizer.truncate(tokens));
    const made = await network.run(network.main, { [name]: ids });
    const attention = Object.keys(made).find((key) => key.startsWith("attention"));
    const outputs = made[Object.keys(made).find((key) => key !== attention)];
    return { answer: this.bundle.labels[argmax(outputs)], outputs, inputs: { [name]: ids }, attention: made[attention] };
  }

  async use(session) {
    this.session = session;
    await this.show();
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show().catch(this.fail), WAIT);
  }

  async show() {
    const turn = (this.turn += 1);
    const network = this.session.networks[0];
    const all = tokenize(this.input.value);
    const tokens = this.tokenizer.truncate(all);
    const { answer, outputs, attention } = await this.answer(network, all);
    if (turn !== this.turn) return;
    this.showLabel(answer, outputs, all, tokens);
    this.showWords(tokens, attention && Array.from(attention.slice(0, tokens.length)));
    this.note.textContent = attention ? "Shades show the network's attention." : "";
    if (!attention) this.explain(turn, tokens, argmax(outputs)).catch(this.fail);
  }

  showLabel(answer, outputs, all, tokens) {
    const probability = outputs[argmax(outputs)];
    const unsure = probability < (this.bundle.manifest.unsure?.below ?? 0) ? " (unsure)" : "";
    this.label.textContent = all.length ? `${answer}${unsure}` : "Nothing to read yet";
    const unknown = tokens.filter((token) => !this.tokenizer.knows(token)).length;
    const read = tokens.length < all.length ? `read ${tokens.length} of ${all.length} tokens` : "";
    const remarks = [read, unknown ? `${unknown} of ${tokens.length} tokens are unknown` : ""].filter(Boolean);
    this.remark.textContent = remarks.join("; ");
    this.bars.replaceChildren(...this.bundle.labels.flatMap((label, i) => bar(label, outputs[i])));
  }

  showWords(tokens, weights) {
    const largest = Math.max(SHOWN, ...(weights ?? []).map(Math.abs));
    const marks = tokens.flatMap((token, i) => [marked(token, weights?.[i], largest, this.tokenizer), " "]);
    this.words.replaceChildren(...marks);
  }

  /** Without attention: see how the label's probability changes when each word is left out. */
  async explain(turn, tokens, label) {
    const network = this.session.networks[0];
    const whole = (await this.answer(network, tokens)).outputs[label];
    const weights = [];
    for (let i = 0; i < tokens.length; i += 1) {
      const rest = [...tokens.slice(0, i), ...tokens.slice(i + 1)];
      const { outputs } = await this.answer(network, rest);
      // Give way to typing.
      await new Promise((resume) => setTimeout(resume));
      if (turn !== this.turn || network !== this.session.networks[0]) return;
      weights.push(whole - outputs[label]);
    }
    if (!tokens.length) return;
    this.showWords(tokens, weights);
    const name = this.bundle.labels[label];
    this.note.textContent = `Shaded words speak for “${name}”, underlined ones against it: how its probability changes without them.`;
  }
}

function marked(token, weight, largest, tokenizer) {
  const known = tokenizer.knows(token);
  const made = element(known ? "mark" : "mark.unknown", { title: known ? undefined : "unknown to the network" }, token);
  if (weight === undefined) return made;
  const share = weight / largest;
  if (share > 0) made.style.background = `color-mix(in srgb, var(--warm) ${Math.round(100 * share)}%, transparent)`;
  else if (share < -0.1) made.style.borderBottom = `${Math.ceil(-4 * share)}px solid var(--accent)`;
  made.title = `${weight >= 0 ? "+" : "−"}${Math.abs(weight).toFixed(3)}${known ? "" : ", unknown to the network"}`;
  return made;
}
