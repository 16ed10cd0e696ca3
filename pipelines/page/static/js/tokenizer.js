// The tokenizer of pipelines/ondevice/tokenizer.py. A test compares the two.

const UNKNOWN_ID = 1;
const MARK = "\u0300";
const MARKS_IN_A_ROW = 30;
const APOSTROPHES = /[\u2018\u2019\u201b\u02bc\u00b4]/g;
// JavaScript's \s has other characters than Python's isspace.
export const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const TAG =
  /<\/?[a-z][a-z0-9]*(?:[ \t-\r]+[a-z:-]+[ \t-\r]*=[ \t-\r]*(?:"[^"<>]*"|'[^'<>]*'|[^ \t-\r"'<>]+))*[ \t-\r]*\/?>/g;
const PART = `[a-z0-9${MARK}]`;
const TOKEN = new RegExp(
  `n't(?!${PART})|'(?:s|re|ve|ll|d|m)(?!${PART})` +
    `|[a-z0-9]${PART}*?(?=n't(?!${PART}))|[a-z0-9]${PART}*|[^ ]${MARK}*`,
  "g",
);

/** Return a character's kind: ASCII as it is, "w" for letters and digits, MARK, " " for spaces, else ".". */
function kind(character) {
  if (SPACE.test(character)) return " ";
  if (character < "\x80") return character;
  if (/\p{M}/u.test(character) || character === "\uff9e" || character === "\uff9f") return MARK;
  return /[\p{L}\p{N}]/u.test(character) ? "w" : ".";
}

/** Return a text with at most 30 combining marks in a row. */
export function dropExcessMarks(text) {
  let marks = 0;
  return Array.from(text, (character) => {
    marks = kind(character) === MARK ? marks + 1 : 0;
    return marks > MARKS_IN_A_ROW ? "" : character;
  }).join("");
}

/** Return a text in NFKC and lower case, with straight apostrophes and a space for each HTML tag. */
export function normalize(text) {
  const plain = dropExcessMarks(text.replace(APOSTROPHES, "'"));
  const lower = plain.normalize("NFKC").toLowerCase().normalize("NFKC");
  return dropExcessMarks(lower).replace(APOSTROPHES, "'").replace(TAG, " ");
}

/** Return the tokens of a text, which have no spaces. */
export function tokenize(text) {
  const characters = Array.from(normalize(text));
  const kinds = characters.map(kind).join("");
  return Array.from(kinds.matchAll(TOKEN), ({ index, 0: { length } }) =>
    characters.slice(index, index + length).join(""),
  );
}

/** Turns texts into ids, as the file vocabulary.json of a bundle says. */
export class Tokenizer {
  constructor({ vocabulary, max_length: length, keep }) {
    this.length = length;
    this.keep = keep;
    this.ids = new Map(vocabulary.map((token, id) => [token, id]));
  }

  /** Return the tokens that the network reads. */
  truncate(tokens) {
    const surplus = tokens.length - this.length;
    if (surplus <= 0) return tokens;
    const head = { head: this.length, tail: 0, both: Math.floor(this.length / 4) }[this.keep];
    return [...tokens.slice(0, head), ...tokens.slice(head + surplus)];
  }

  /** Return whether a token is in the vocabulary. */
  knows(token) {
    return this.ids.has(token);
  }

  /** Return the ids of tokens, followed by zeros. */
  padded(tokens) {
    const ids = new Int32Array(this.length);
    tokens.forEach((token, i) => (ids[i] = this.ids.get(token) ?? UNKNOWN_ID));
    return ids;
  }
}
