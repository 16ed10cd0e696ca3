// Writes the answers to a text, as apps/translation/predict.py does. A test compares the two.
import { nBest } from "./beam_search.js";
import { END, LINE, SPACE } from "./subwords.js";

export class Translator {
  /**
   * @param {Subwords} subwords the pieces that are read and written
   * @param {object} preprocessing that of a bundle of the app
   */
  constructor(subwords, { max_source: places, max_target: maxTokens, lower_case: lower, end_of_source: ofEnd }) {
    Object.assign(this, { subwords, places, lower, ofEnd });
    this.limits = { start: subwords.start, end: END, maxTokens };
  }

  /** Return the pieces of a text that are read, and how many are not: the first ones of a text whose end is read. */
  read(text) {
    const all = this.subwords.pieces(this.lower ? text.toLowerCase() : text);
    const unread = Math.max(0, all.length - this.places);
    return { pieces: this.ofEnd ? all.slice(unread) : all.slice(0, this.places), unread };
  }

  /** Return the ids of pieces, END at padding. */
  encode(pieces) {
    const ids = new Int32Array(this.places);
    pieces.forEach((piece, i) => (ids[i] = this.subwords.id(piece)));
    return ids;
  }

  /**
   * Return the best answers, best first; to a text without words, an empty one.
   *
   * @param {object[]} networks the parts encode and decode
   * @param {string[]} read the pieces that are read
   * @param {object} search alternatives, beams, lengthPenalty, noRepeatNgram
   * @param {() => Promise<void>} between is awaited before each step; if it throws, the search ends
   */
  async answers([encoder, decoder], read, { alternatives, ...search }, between = async () => {}) {
    if (!read.length) return [{ text: "", pieces: [], attention: [], logProbability: 0, finished: true }];
    const source = this.encode(read);
    const { features } = await encoder.run(encoder.main, { source });
    const network = {
      initial: () => decoder.initial(),
      step: async (token, before) => {
        await between();
        const { outputs, state } = await decoder.step({ tokens: Int32Array.of(token), features, source }, before);
        return { scores: outputs.log_probabilities, outputs: outputs.attention.subarray(0, read.length), state };
      },
    };
    // Some texts can be written with other pieces, too.
    const found = await nBest(network, this.limits, search, 2 * alternatives - 1);
    const answers = new Map();
    for (const { tokens, outputs: attention, logProbability, finished } of found) {
      const pieces = this.written(tokens, attention, read);
      const text = joined(pieces);
      if (!answers.has(text)) answers.set(text, { text, pieces, attention, logProbability, finished });
    }
    return [...answers.values()].slice(0, alternatives);
  }

  /**
   * Return the pieces of tokens; for an unknown one, the piece of the source that was looked at most.
   *
   * If the source has unknown pieces, it is one of them. Two unknown ones in a row are two words.
   */
  written(tokens, attention, read) {
    const { known, unknown } = this.subwords;
    const all = Array.from(read.keys());
    const ofSource = all.filter((place) => this.subwords.id(read[place]) === unknown);
    const places = ofSource.length ? ofSource : all;
    return tokens.map((token, i) => {
      if (token !== unknown) return known[token - 1];
      const most = places.reduce((best, place) => (attention[i][place] > attention[i][best] ? place : best));
      const again = i > 0 && tokens[i - 1] === unknown && !read[most].startsWith(SPACE);
      return again ? SPACE + read[most] : read[most];
    });
  }
}

/** Return the text of pieces. */
function joined(pieces) {
  const lines = pieces.join("").replaceAll(SPACE, " ").split(LINE).map((line) => line.replace(/^ +| +$/g, ""));
  return lines.join(LINE).replace(/^\n+|\n+$/g, "");
}

/** Return the words of an answer: the text of each, and the attention to each place, the mean of its pieces. */
export function wordsOf({ pieces, attention }) {
  const words = [];
  for (const [i, piece] of pieces.entries()) {
    if (i === 0 || piece.startsWith(SPACE) || [piece, pieces[i - 1]].includes(LINE)) words.push([]);
    words.at(-1).push(i);
  }
  const made = words.map((numbers) => ({
    text: numbers.map((i) => pieces[i]).join("").replaceAll(SPACE, ""),
    attention: Array.from(attention[numbers[0]], (_, place) => mean(numbers.map((i) => attention[i][place]))),
  }));
  return made.filter(({ text }) => text && text !== LINE);
}

const mean = (numbers) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
