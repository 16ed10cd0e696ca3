// Words with their places, and as numbers: pipelines/ondevice/word_offsets.py and tagged_words.py. A test compares.
import { SPACE } from "./tokenizer.js";

// JavaScript's \w and \b know ASCII only.
const W = "[\\p{L}\\p{N}_]";
const END = `(?!${W})`;
const ADDRESS = SPACE.source.replace("[", "[^");
const WORD = new RegExp(
  `https?://${ADDRESS}+|www\\.${ADDRESS}+|[@#]${W}+|\\p{Nd}+(?:[.,:]\\p{Nd}+)*` +
    `|${W}+?(?=n['\u2019]t${END})|n['\u2019]t${END}|['\u2019](?:s|re|ve|ll|d|m)${END}` +
    `|${W}+(?:[-.]${W}+)*|${ADDRESS}`,
  "giu",
);
const UNKNOWN = 1;
const FIRST = 2;
const LONGEST_SHAPE = 8;

/** Return the words of a text in their order: text, start and end, so that a slice of the text is the word. */
export function wordsOf(text) {
  return Array.from(text.matchAll(WORD), ({ index, 0: word }) => ({ text: word, start: index, end: index + word.length }));
}

const plain = (word) => word.toLowerCase().replace(/\p{Nd}/gu, "0");

/** Return the parts of a word that are read: its beginning and its end, and its shape. */
function parts(word) {
  const lower = Array.from(plain(word));
  const kind = (each) => {
    if (/\p{Lu}/u.test(each)) return "X";
    if (/\p{L}/u.test(each)) return "x";
    return /\p{Nd}/u.test(each) ? "0" : each;
  };
  const shape = Array.from(word, kind).filter((each, i, all) => each !== all[i - 1]).slice(0, LONGEST_SHAPE);
  const of = (sign, characters) => sign + characters.join("");
  return [of("<", lower.slice(0, 2)), of("<", lower.slice(0, 3)), of(">", lower.slice(-2)), of(">", lower.slice(-3)), of("=", shape)];
}

/** Turns words into numbers, as the file words.json of a bundle says. */
export class WordReader {
  constructor({ words, characters, characters_read: read, parts: known = [] }) {
    this.read = read;
    this.ids = new Map(words.map((word, i) => [word, i]));
    this.characters = new Map(Array.from(characters, (each, i) => [each, i + FIRST]));
    this.parts = new Map(known.map((part, i) => [part, i + FIRST]));
  }

  /** Return the numbers of a word: one of the word, those of its characters, and of its parts. */
  row(word) {
    const all = Array.from(word);
    const half = Math.floor(this.read / 2);
    const seen = all.length <= this.read ? all : [...all.slice(0, this.read - half), ...all.slice(-half)];
    const numbers = seen.map((each) => this.characters.get(each) ?? UNKNOWN);
    const padded = [...numbers, ...new Array(this.read - numbers.length).fill(0)];
    const known = this.parts.size ? parts(word).map((part) => this.parts.get(part) ?? UNKNOWN) : [];
    return [this.ids.get(plain(word)) ?? UNKNOWN, ...padded, ...known];
  }

  /** Return the rows of at most so many words, padded. */
  encode(words, steps) {
    const width = this.row("").length;
    const rows = new Int32Array(steps * width);
    words.slice(0, steps).forEach((word, i) => rows.set(this.row(word), i * width));
    return rows;
  }
}
