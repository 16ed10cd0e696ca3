// Cuts texts into subwords, as pipelines/ondevice/subwords.py does. A test compares the two.
import { dropExcessMarks, SPACE as WHITE } from "./tokenizer.js";

export const END = 0;
export const LINE = "\n";
export const SPACE = "\u2581";
const RESERVED = ["<unk>", LINE];
const UNKNOWN_PENALTY = 10;
const LINE_ENDS = /\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]/g;
const LONE_SURROGATE = /\p{Cs}/gu;
const CONTROL = /[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]/g;
const GAP = new RegExp(`${WHITE.source.replace("[", `[${SPACE}`)}+`, "g");

/** Return a text in NFKC, with single spaces between words and without empty lines and control characters. */
export function normalized(text) {
  const plain = text.replace(LINE_ENDS, LINE).replace(LONE_SURROGATE, "\ufffd").replace(CONTROL, "");
  const composed = dropExcessMarks(dropExcessMarks(plain).normalize("NFKC")).replace(CONTROL, "");
  const lines = composed.split(LINE).map((line) => line.replace(GAP, " ").replace(/^ | $/g, ""));
  return lines.filter(Boolean).join(LINE);
}

/** The pieces that a network reads and writes, as the file subwords.json of a bundle holds them. */
export class Subwords {
  constructor({ pieces, scores }) {
    this.known = [...RESERVED, ...pieces];
    this.unknown = END + 1;
    this.start = this.known.length + 1;
    this.ids = new Map(this.known.map((piece, i) => [piece, i + 1]));
    // Of every beginning of a piece, its score; null if it is no piece itself.
    this.beginnings = new Map();
    let worst = Infinity;
    for (const [i, piece] of pieces.entries()) {
      const score = Math.fround(scores[i]);
      worst = Math.min(worst, score);
      let beginning = "";
      for (const character of piece) {
        beginning += character;
        if (!this.beginnings.has(beginning)) this.beginnings.set(beginning, null);
      }
      this.beginnings.set(piece, score);
    }
    this.unknownScore = Math.fround(worst - UNKNOWN_PENALTY);
  }

  /** Return the pieces of a text as they stand in it. */
  pieces(text) {
    return normalized(text).split(LINE).flatMap((line, i) => {
      const found = line.split(" ").filter(Boolean).flatMap((word) => this.cut(SPACE + word));
      return i ? [LINE, ...found] : found;
    });
  }

  /** Return the id of a piece. */
  id(piece) {
    return this.ids.get(piece) ?? this.unknown;
  }

  /** Return the pieces of a word with the largest sum of scores. Sums are in float32; the first of equal ones wins. */
  cut(word) {
    const characters = Array.from(word);
    const best = new Float32Array(characters.length + 1);
    const begin = new Int32Array(characters.length + 1).fill(-1);
    const offer = (start, end, score) => {
      const sum = Math.fround(best[start] + score);
      if (begin[end] >= 0 && sum <= best[end]) return;
      best[end] = sum;
      begin[end] = start;
    };
    for (let start = 0; start < characters.length; start += 1) {
      let part = "";
      for (let end = start + 1; end <= characters.length; end += 1) {
        part += characters[end - 1];
        const score = this.beginnings.get(part);
        if (score === undefined) break;
        if (score !== null) offer(start, end, score);
      }
      // It scores less than any piece, so it counts only if this character is none.
      offer(start, start + 1, this.unknownScore);
    }
    return this.joined(characters, begin);
  }

  /** Return the pieces that end at the end of a word; unknown ones in a row are joined. */
  joined(characters, begin) {
    const cuts = [];
    for (let end = characters.length; end; end = begin[end]) cuts.push([begin[end], end]);
    const found = [];
    let afterUnknown = false;
    for (const [start, end] of cuts.reverse()) {
      const part = characters.slice(start, end).join("");
      const isUnknown = !this.ids.has(part);
      if (isUnknown && afterUnknown) found[found.length - 1] += part;
      else found.push(part);
      afterUnknown = isUnknown;
    }
    return found;
  }
}
