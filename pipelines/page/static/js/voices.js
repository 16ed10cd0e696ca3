// Composes voices token by token, as apps/music_generation does. The page's answers are compared with Python's.
import { draw } from "./sampling.js";

export const LOWEST = 21;
const KEYS = 88;
const [HOLD, REST, START, SILENT] = [KEYS, KEYS + 1, KEYS + 2, KEYS];
const BEATS_IN_BAR = 4;
const WIDEST = 36;
const FARTHEST = 12;
const TONICS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/** Return the tonic chord of a key such as C, f# or Bb as tokens, from the highest voice; one tone for a melody. */
export function opening(key, voices) {
  const major = key[0] === key[0].toUpperCase();
  const shift = { "#": 1, b: -1 }[key[1]] ?? 0;
  const tonic = (TONICS[key[0].toUpperCase()] + shift + 12) % 12;
  const soprano = 64 + ((tonic - 64) % 12 + 12) % 12;
  const bass = 43 + ((tonic - 43) % 12 + 12) % 12;
  return [soprano, soprano - 5, soprano - (major ? 8 : 9), bass].slice(0, voices).map((pitch) => pitch - LOWEST);
}

/** Return the interval as the network reads it: 0 if either is silent, else from 1 for -most upwards. */
function interval(high, low, most) {
  if (high === SILENT || low === SILENT) return 0;
  return Math.max(-most, Math.min(most, high - low)) + most + 1;
}

/** Return the network's input for the next token of a voice. */
function around(previous, before, now, { voice, place }) {
  const sounding = before.map((tone, i) => (i < voice ? now[i] : tone));
  if (before.length === 1) return [previous, voice, place, ...sounding];
  const widths = before.map((tone) => interval(tone, before[voice], WIDEST));
  const moves = sounding.map((tone, i) => interval(tone, before[i], FARTHEST));
  return [previous, voice, place, ...sounding, ...widths, ...moves];
}

/**
 * Compose a piece.
 *
 * @param {object} network takes steps and keeps its state outside
 * @param {object} settings steps, voices, stepsPerBeat, first (tokens of the first step, or none), and those of
 *   the sampler
 * @param {() => number} random is called once for each token that is drawn
 * @param {(tokens: number[][], probabilities: Float32Array) => void} each is called after each token
 * @returns tokens, one row a step
 */
export async function compose(network, settings, random, each = () => {}) {
  const { steps, voices, stepsPerBeat, first } = settings;
  const [{ name }] = network.inputs;
  const tokens = [];
  const now = new Array(voices).fill(SILENT);
  let previous = START;
  let state = await network.initial();
  for (let step = 0; step < steps; step += 1) {
    const before = [...now];
    const place = step % (BEATS_IN_BAR * stepsPerBeat);
    tokens.push([]);
    for (let voice = 0; voice < voices; voice += 1) {
      const input = Int32Array.from(around(previous, before, now, { voice, place }));
      const made = await network.step({ [name]: input }, state);
      state = made.state;
      const probabilities = Object.values(made.outputs)[0];
      const allowed = Float32Array.from(probabilities);
      if (now[voice] === SILENT) allowed[HOLD] = 0;
      const token = step === 0 && first ? first[voice] : draw(allowed, settings, random);
      if (token !== HOLD) now[voice] = token < KEYS ? token : SILENT;
      tokens[step].push(token);
      previous = token;
      if (each(tokens, probabilities) === false) return tokens;
    }
  }
  return tokens;
}

/** Return the grid of tokens: a pitch where a note begins, minus it where it goes on, 0 for silence. */
export function pieceOf(tokens) {
  let before = [];
  return tokens.map((row) => {
    before = row.map((token, voice) =>
      token < KEYS ? token + LOWEST : token === REST ? 0 : -Math.abs(before[voice] ?? 0) || 0,
    );
    return before;
  });
}

/** Return the notes of a grid: voice, pitch, start and length in steps. */
export function notesOf(piece) {
  return (piece[0] ?? []).flatMap((_, voice) =>
    piece.flatMap((row, start) => {
      if (!(row[voice] > 0)) return [];
      let stop = start + 1;
      while (piece[stop]?.[voice] === -row[voice]) stop += 1;
      return [{ voice, pitch: row[voice], start, length: stop - start }];
    }),
  );
}
