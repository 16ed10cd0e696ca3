// Writes MIDI files of notes, with a track for each voice.

const TICKS = 480;
const VELOCITY = 80;
const CHOIR = 52;

const big = (number, bytes) => Array.from({ length: bytes }, (_, i) => (number >>> (8 * (bytes - 1 - i))) & 255);
const chunk = (name, content) => [...new TextEncoder().encode(name), ...big(content.length, 4), ...content];
const meta = (kind, content) => [0, 0xff, kind, content.length, ...content];

/** Return a number as MIDI has it: 7 bits a byte, the last one without the highest bit. */
function varying(number) {
  const bytes = [number & 127];
  for (let rest = number >>> 7; rest; rest >>>= 7) bytes.unshift((rest & 127) | 128);
  return bytes;
}

/** Return the track of one voice; at equal times, ends come before beginnings. */
function track(notes, ticks, channel) {
  const events = notes.flatMap(({ pitch, start, length }) => [
    { tick: start * ticks, bytes: [0x90 | channel, pitch, VELOCITY], order: 1 },
    { tick: (start + length) * ticks, bytes: [0x80 | channel, pitch, 0], order: 0 },
  ]);
  events.sort((a, b) => a.tick - b.tick || a.order - b.order);
  let now = 0;
  const written = events.flatMap(({ tick, bytes }) => {
    const waited = varying(tick - now);
    now = tick;
    return [...waited, ...bytes];
  });
  return chunk("MTrk", [0, 0xc0 | channel, CHOIR, ...written, ...meta(0x2f, [])]);
}

/** Return the content of a MIDI file. Notes have voice, pitch, start and length in steps. */
export function midi(notes, voices, stepsPerBeat, beatsPerMinute) {
  const tempo = meta(0x51, big(Math.round(60e6 / beatsPerMinute), 3));
  const tracks = Array.from({ length: voices }, (_, voice) =>
    track(notes.filter((note) => note.voice === voice), TICKS / stepsPerBeat, voice % 9),
  );
  const head = chunk("MThd", [...big(1, 2), ...big(voices + 1, 2), ...big(TICKS, 2)]);
  return Uint8Array.from([...head, ...chunk("MTrk", [...tempo, ...meta(0x2f, [])]), ...tracks.flat()]);
}
