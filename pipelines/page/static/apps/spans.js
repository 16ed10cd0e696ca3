// The page of an app that marks spans in a text: type, and see them in colours.
import { element } from "../js/dom.js";
import { chainOf, nextTag, spanProbabilities, spansOf, viterbi } from "../js/tags.js";
import { WordReader, wordsOf } from "../js/words.js";

const WAIT = 120;
const FILE = "words.json";
const START = "Anna Keller works for Halden Motors in Port Tessow, where she paid 40 dollars last week.";

export async function create({ bundle, fail }) {
  const bytes = await bundle.asset(FILE);
  return new Spans(bundle, new WordReader(JSON.parse(new TextDecoder().decode(bytes))), fail);
}

class Spans {
  prefers = "loop";

  constructor(bundle, reader, fail) {
    Object.assign(this, { bundle, reader, fail, turn: 0 });
    this.tags = bundle.labels.length;
    this.types = bundle.labels.filter((label) => label.startsWith("B-")).map((label) => label.slice(2));
    this.steps = bundle.preprocessing.max_length;
    this.lookahead = bundle.preprocessing.lookahead ?? 0;
    this.input = element("textarea", { id: "text", oninput: () => this.changed(), spellcheck: "true" });
    this.input.value = START;
    this.marked = element("p.words.spans", { id: "marked", "aria-hidden": "true" });
    this.said = element("p.soft", { id: "said", role: "status" });
    this.list = element("ol.heard", { id: "spans", "aria-label": "Spans with their types and probabilities", tabindex: "0" });
    this.element = element(
      "div", {}, element("label", { for: "text" }, "Type a text"), this.input, this.marked, this.said, this.list,
    );
  }

  unit(record) {
    return record.execution === "step" ? "One word" : `At most ${this.steps - this.lookahead} words`;
  }

  async open(record, load) {
    const network = await load(record);
    const find = (words) => (record.execution === "step" ? this.byWord(network, words) : this.byPiece(network, words));
    const answer = async (text) => {
      const words = wordsOf(text);
      const { spans, inputs } = await find(words.map((word) => word.text));
      const said = spans.map(({ start, end, kind }) => [this.types[kind], text.slice(words[start].start, words[end - 1].end)]);
      return { answer: said, outputs: spans.map(({ probability }) => probability), inputs: { words: inputs } };
    };
    return { networks: [network], answer, find };
  }

  /** Find the spans of words, as many at once as the network reads. */
  async byPiece(network, words) {
    const [{ name }] = network.inputs;
    const [spans, inputs] = [[], []];
    const size = this.steps - this.lookahead;
    for (let before = 0; before < words.length; before += size) {
      const piece = words.slice(before, before + size);
      const rows = this.reader.encode([...piece, ...new Array(this.lookahead).fill("")], this.steps);
      const output = Object.values(await network.run(network.main, { [name]: rows }))[0];
      const chain = chainOf(output, this.tags, this.steps, piece.map((_, i) => i + this.lookahead));
      const moved = ({ start, end, kind }) => ({ start: before + start, end: before + end, kind });
      spans.push(...sure(chain, viterbi(chain)).map((each) => ({ ...each, ...moved(each) })));
      inputs.push(...rows);
    }
    return { spans, inputs };
  }

  /** Find the spans of words one by one, as they come. */
  async byWord(network, words) {
    const [{ name }] = network.inputs;
    const outputs = [];
    let state = await network.initial();
    for (const word of [...words, ...new Array(this.lookahead).fill("")]) {
      const made = await network.step({ [name]: this.reader.encode([word], 1) }, state);
      state = made.state;
      outputs.push(...Object.values(made.outputs)[0]);
    }
    const given = Float32Array.from(outputs.slice(this.lookahead * this.tags));
    let last = 0;
    const tags = words.map((_, i) => (last = nextTag(given.subarray(i * this.tags, (i + 1) * this.tags), last)));
    const chain = chainOf(given, this.tags, words.length, words.map((_, i) => i));
    return { spans: sure(chain, tags), inputs: [] };
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
    const text = this.input.value;
    const words = wordsOf(text);
    const { spans } = await this.session.find(words.map((word) => word.text));
    if (turn !== this.turn) return;
    const placed = spans.map((each) => {
      const [start, end] = [words[each.start].start, words[each.end - 1].end];
      return { ...each, start, end, text: text.slice(start, end), type: this.types[each.kind] };
    });
    this.said.textContent = words.length ? `${placed.length} spans in ${words.length} words.` : "Nothing to read yet.";
    this.marked.replaceChildren(...this.pieces(text, placed));
    this.list.replaceChildren(...placed.map(({ type, text: each, probability }) =>
      element("li", {}, element("span", {}, type), element("b", {}, each), element("span", {}, probability.toFixed(2))),
    ));
  }

  /** Return the text with its spans marked; the list below says the same in words. */
  pieces(text, spans) {
    let end = 0;
    const made = [];
    for (const span of spans) {
      made.push(text.slice(end, span.start));
      const mark = element("mark", { title: `probability ${span.probability.toFixed(2)}` }, span.text, element("small", {}, ` ${span.type}`));
      const hue = Math.round((360 * span.kind) / this.types.length);
      mark.style.background = `color-mix(in srgb, hsl(${hue} 80% 55%) 30%, transparent)`;
      made.push(mark);
      end = span.end;
    }
    return [...made, text.slice(end)];
  }
}

/** Return the spans of tags with their probabilities. */
function sure(chain, tags) {
  const spans = spansOf(tags);
  const probabilities = spanProbabilities(chain, spans);
  return spans.map((span, i) => ({ ...span, probability: probabilities[i] }));
}
