// The symbols of texts, as pipelines/ondevice/alphabet.py numbers them. A test compares the two.

const BYTES = 256;

export class Alphabet {
  /** @param {string|null} characters the characters by number; null for the bytes of UTF-8 */
  constructor(characters) {
    this.characters = characters === null ? null : Array.from(characters);
    this.numbers = new Map(this.characters?.map((each, i) => [each, i]));
    this.length = this.characters?.length ?? BYTES;
  }

  /** Return the numbers of a text's symbols. Unknown characters are left out. */
  encode(text) {
    if (!this.characters) return Array.from(new TextEncoder().encode(text));
    return Array.from(text, (each) => this.numbers.get(each)).filter((each) => each !== undefined);
  }

  /** Return the text of symbols. Bytes that are no UTF-8 become U+FFFD. */
  decode(numbers) {
    if (this.characters) return Array.from(numbers, (each) => this.characters[each]).join("");
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(numbers));
  }

  /** Return a function that takes symbols one by one and gives the text that each of them completes. */
  reader() {
    if (this.characters) return (number) => this.characters[number];
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return (number) => decoder.decode(Uint8Array.of(number), { stream: true });
  }

  /** Return the characters of a text that are unknown, each once. */
  unknown(text) {
    if (!this.characters) return [];
    return [...new Set(Array.from(text).filter((each) => !this.numbers.has(each)))];
  }
}
