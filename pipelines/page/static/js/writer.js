// Reads, writes and completes text symbol by symbol, as apps/text_generation does. The page's answers are compared
// with Python's.
import { draw } from "./sampling.js";

const BEAMS = 12;
const LONGEST_WORD = 24;
const FLOOR = 1e-9;
const IN_WORD = /^[\p{L}'\u2019\ufffd]/u;

const log = (probability) => Math.log(Math.max(probability, FLOOR));

export class Writer {
  /**
   * @param {object} network takes a symbol's number a step, and keeps its state outside
   * @param {Alphabet} alphabet
   */
  constructor(network, alphabet) {
    Object.assign(this, { network, alphabet });
    const numbers = Array.from({ length: alphabet.length }, (_, i) => i);
    this.inWord = numbers.filter((each) => IN_WORD.test(alphabet.decode([each])));
    this.ends = numbers.filter((each) => !this.inWord.includes(each));
    this.last = null;
  }

  async step(symbol, before) {
    const [{ name }] = this.network.inputs;
    const { outputs, state } = await this.network.step({ [name]: Int32Array.of(symbol) }, before);
    return { probabilities: Object.values(outputs)[0], state };
  }

  /**
   * Return the probabilities of the symbol after a text, and the state there.
   *
   * An empty text, or one of unknown characters only, stands for a new line. If the text goes on from the one that
   * was read last, only what is new is read.
   *
   * @param {() => Promise<void>} between is awaited after each symbol
   */
  async read(text, between = async () => {}) {
    const known = [this.alphabet.encode(text), this.alphabet.encode("\n"), [0]].find((each) => each.length);
    const goesOn = this.last && this.last.symbols.every((each, i) => each === known[i]);
    let read = goesOn ? this.last : { symbols: [], place: { state: await this.network.initial() } };
    for (const symbol of known.slice(read.symbols.length)) {
      read = { symbols: [...read.symbols, symbol], place: await this.step(symbol, read.place.state) };
      await between();
    }
    this.last = read;
    return read.place;
  }

  /**
   * Write text that continues another one.
   *
   * @param {string} primer the text to continue
   * @param {number} length symbols to write
   * @param {object} settings of the sampler
   * @param {() => number} random is called once for each symbol
   * @param {(text: string, probabilities: Float32Array) => any} each is awaited for each symbol; false ends the text
   */
  async write(primer, length, settings, random, each = () => {}) {
    let { probabilities, state } = await this.read(primer);
    const decode = this.alphabet.reader();
    let text = "";
    for (let i = 0; i < length; i += 1) {
      const symbol = draw(probabilities, settings, random);
      const piece = decode(symbol);
      text += piece;
      if ((await each(piece, probabilities)) === false) return text;
      ({ probabilities, state } = await this.step(symbol, state));
    }
    return text;
  }

  /**
   * Return the likeliest words that a text may go on to, as {word, probability}; none if `stopped()` turns true.
   *
   * A word ends before the first symbol that is no letter and no apostrophe. The search keeps the 12 likeliest
   * beginnings of each length.
   */
  async complete(text, count, between = async () => {}, stopped = () => false) {
    const begun = begunWord(text);
    let beams = [{ value: 0, ending: [], ...(await this.read(text, between)) }];
    const found = [];
    for (let length = 0; length < LONGEST_WORD; length += 1) {
      if (begun || length) {
        for (const { value, ending, probabilities } of beams) {
          const ends = this.ends.reduce((sum, each) => sum + probabilities[each], 0);
          found.push({ value: value + log(ends), ending });
        }
      }
      const longer = beams.flatMap((beam) =>
        this.inWord.map((symbol) => ({ value: beam.value + log(beam.probabilities[symbol]), beam, symbol })),
      );
      longer.sort((a, b) => b.value - a.value);
      beams = [];
      for (const { value, beam, symbol } of longer.slice(0, BEAMS)) {
        beams.push({ value, ending: [...beam.ending, symbol], ...(await this.step(symbol, beam.state)) });
        await between();
        if (stopped()) return [];
      }
    }
    found.sort((a, b) => b.value - a.value);
    return found.slice(0, count).map(({ value, ending }) => ({
      word: begun + this.alphabet.decode(ending), probability: Math.exp(value),
    }));
  }
}

/** Return the word that a text ends in the middle of; "" if it ends with a space or a stop. */
export function begunWord(text) {
  const characters = Array.from(text);
  let start = characters.length;
  while (start && IN_WORD.test(characters[start - 1])) start -= 1;
  return characters.slice(start).join("");
}
