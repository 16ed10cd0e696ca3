// The page of an app that writes a text for a text: type, see the answer, and where it looked for each word.
import { score } from "../js/beam_search.js";
import { element, labelled, select } from "../js/dom.js";
import { pace } from "../js/pace.js";
import { LINE, SPACE, Subwords } from "../js/subwords.js";
import { Translator, wordsOf } from "../js/translator.js";

const FILE = "subwords.json";
const WAIT = 250;
const LIVE = 40;
const COUNTS = [1, 2, 3, 4, 5];
const NAMED = 3;
const HINT = "Choose a word of the answer to see where the network looked for it.";
const OUTDATED = Symbol("another text is to be answered");

export async function create({ bundle, settings, examples, fail }) {
  const subwords = new Subwords(JSON.parse(new TextDecoder().decode(await bundle.asset(FILE))));
  return new Answers(bundle, new Translator(subwords, bundle.preprocessing), settings, { examples, fail });
}

class Answers {
  prefers = "loop";

  constructor(bundle, translator, settings, { examples, fail }) {
    Object.assign(this, { bundle, translator, settings, examples, fail, turn: 0, next: 1, marks: [] });
    const keys = translator.ofEnd ? "Ctrl+Enter answers it" : "Enter answers it, Shift+Enter begins a line";
    const heard = { oninput: () => this.changed(), onkeydown: (event) => this.key(event) };
    this.input = element("textarea", { id: "text", dir: "auto", spellcheck: "true", ...heard });
    this.input.value = examples[0];
    const ask = element("button.first", { type: "button", id: "ask", onclick: () => this.begin() }, "Answer");
    const more = element("button", { type: "button", id: "another", onclick: () => this.example() }, "Another example");
    this.count = select("count", COUNTS, settings.alternatives);
    this.count.onchange = () => this.begin();
    this.text = element("p.answer.lines", { id: "answer", dir: "auto" });
    this.remark = element("p.soft", { id: "remark" });
    this.words = element("p.row", { id: "words", role: "group", "aria-label": HINT, dir: "auto" });
    this.looked = element("p.note", { id: "looked", role: "status" });
    this.source = element("p.words.pieces", { id: "source", role: "group", "aria-label": "The pieces of the text", dir: "auto" });
    this.list = element("ol.heard", { id: "alternatives", "aria-label": "Answers with their log-probabilities" });
    this.element = element(
      "div", {}, element("label", { for: "text" }, `Type a text (${keys})`), this.input,
      element("p.row", {}, ask, more, ...labelled("Answers", this.count)),
      element("div", { role: "status" }, this.text, this.remark), this.words, this.looked, this.source, this.list,
    );
  }

  unit() {
    return "One part of the network";
  }

  /** Open both parts of the network in the precision of a file. */
  async open({ precision }, load) {
    const networks = await this.bundle.parts(["encode", "decode"], precision, load);
    const answer = async (text) => {
      const { pieces } = this.translator.read(text);
      const [best] = await this.translator.answers(networks, pieces, this.search(this.settings.alternatives));
      const outputs = [score({ ...best, tokens: best.pieces }, 1), ...best.attention.flatMap((weights) => Array.from(weights))];
      return { answer: best.text, outputs, inputs: { source: this.translator.encode(pieces) } };
    };
    return { networks, answer };
  }

  search(alternatives) {
    const { beams, length_penalty: lengthPenalty, no_repeat_ngram: noRepeatNgram } = this.settings;
    return { alternatives, beams, lengthPenalty, noRepeatNgram };
  }

  async use(session) {
    this.session = session;
    await this.show();
  }

  begin() {
    clearTimeout(this.timer);
    this.show().catch(this.fail);
  }

  example() {
    this.input.value = this.examples[this.next % this.examples.length];
    this.next += 1;
    this.begin();
  }

  /** Answer at Enter; where texts have many lines, at Ctrl+Enter. */
  key(event) {
    const meant = this.translator.ofEnd ? event.ctrlKey || event.metaKey : !event.shiftKey;
    if (event.key !== "Enter" || event.isComposing || !meant) return;
    event.preventDefault();
    this.begin();
  }

  /** Answer a short text while it is typed; a long one takes too long for that. */
  changed() {
    clearTimeout(this.timer);
    this.turn += 1;
    const isShort = this.translator.read(this.input.value).pieces.length <= LIVE;
    if (isShort) this.timer = setTimeout(() => this.begin(), WAIT);
    else this.clear("A long text is answered at the button.");
  }

  clear(remark) {
    this.text.textContent = this.looked.textContent = "";
    this.remark.textContent = remark;
    for (const each of [this.words, this.source, this.list]) each.replaceChildren();
  }

  /** Search for the answers to the text; a later text ends the search. */
  async show() {
    const turn = (this.turn += 1);
    const read = this.translator.read(this.input.value);
    const breathe = pace();
    const between = async () => {
      await breathe();
      if (turn !== this.turn) throw OUTDATED;
    };
    try {
      const search = this.search(Number(this.count.value));
      const answers = await this.translator.answers(this.session.networks, read.pieces, search, between);
      if (turn !== this.turn) return;
      if (read.pieces.length) this.found(answers, read);
      else this.clear("Nothing to read yet.");
    } catch (error) {
      if (error !== OUTDATED) throw error;
    }
  }

  found(answers, read) {
    const buttons = answers.map((answer, i) =>
      chooser(answer.text.replaceAll(LINE, " / ") || "(nothing)", () => {
        press(buttons, i);
        this.choose(answer, read);
      }),
    );
    const numbers = answers.map(({ logProbability }) => element("span", {}, logProbability.toFixed(2)));
    this.list.replaceChildren(...buttons.map((button, i) => element("li", {}, element("b", { dir: "auto" }, button), numbers[i])));
    buttons[0].click();
  }

  /** Show one of the answers. */
  choose(answer, read) {
    this.text.textContent = answer.text || "(nothing)";
    this.remark.textContent = this.remarks(answer, read);
    this.marks = read.pieces.map((piece) => marked(piece, this.translator.subwords.ids.has(piece)));
    this.source.replaceChildren(...this.marks.flatMap((mark, i) => [gap(read.pieces[i], read.pieces[i - 1]), mark]));
    const words = wordsOf(answer);
    this.looked.textContent = words.length ? HINT : "";
    const buttons = words.map((word, i) => {
      const look = () => {
        press(buttons, i);
        this.look(word, read.pieces);
      };
      return chooser(word.text, look, look);
    });
    this.words.replaceChildren(...buttons);
  }

  /** Return what was not written or not read. */
  remarks({ finished }, { pieces, unread }) {
    const end = this.translator.ofEnd ? "first" : "last";
    const remarks = [
      finished ? "" : `Stopped: the answer has the largest length, ${this.translator.limits.maxTokens} pieces.`,
      unread ? `The ${end} ${unread} of ${pieces.length + unread} pieces of the text were not read.` : "",
    ];
    return remarks.filter(Boolean).join(" ");
  }

  /** Shade the pieces of the text by the attention for a word of the answer, and name the first of them. */
  look({ text, attention }, pieces) {
    const largest = Math.max(...attention);
    const order = Array.from(attention.keys()).sort((a, b) => attention[b] - attention[a]);
    const named = order.slice(0, NAMED).map((i) => `“${shown(pieces[i])}” (${attention[i].toFixed(2)})`);
    this.looked.textContent = `For “${text}” it looked at ${named.join(", ")}.`;
    attention.forEach((weight, i) => {
      const share = Math.round((100 * weight) / largest);
      this.marks[i].style.background = `color-mix(in srgb, var(--warm) ${share}%, transparent)`;
    });
  }
}

const chooser = (text, onclick, onfocus = () => {}) =>
  element("button", { type: "button", onclick, onfocus, "aria-pressed": "false" }, text);

const press = (buttons, chosen) => buttons.forEach((each, i) => each.setAttribute("aria-pressed", String(i === chosen)));

const marked = (piece, known) =>
  element(known ? "mark" : "mark.unknown", { title: known ? undefined : "unknown to the network" }, shown(piece));

/** Return what a piece looks like: without the mark of a space, if there is more in it. */
const shown = (piece) => (piece === LINE ? "\u21b5" : piece.replaceAll(SPACE, "") || SPACE);

/** Return what is between two pieces. */
const gap = (piece, before) => (before === LINE ? element("br") : piece.startsWith(SPACE) ? " " : "");
