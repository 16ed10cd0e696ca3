// Plays notes with WebAudio: three partials with a soft beginning and end.

const PARTIALS = [[1, 1], [2, 0.35], [3, 0.15]];
const SOFT = 0.03;
const LEVEL = 0.12;

/** Play notes; return {stop, time}, where time() says how many seconds have been played. */
export function play(notes, secondsPerStep, ended) {
  const context = new AudioContext();
  const start = context.currentTime + 0.1;
  for (const note of notes) sound(context, note, start + note.start * secondsPerStep, note.length * secondsPerStep);
  const length = Math.max(0, ...notes.map((note) => note.start + note.length)) * secondsPerStep;
  const stop = () => {
    clearTimeout(timer);
    if (context.state !== "closed") context.close();
    ended();
  };
  const timer = setTimeout(stop, 1000 * (length + 0.5));
  return { stop, time: () => Math.max(0, context.currentTime - start) };
}

function sound(context, { pitch }, start, seconds) {
  const gain = context.createGain();
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(LEVEL, start + SOFT);
  gain.gain.setValueAtTime(LEVEL, Math.max(start + SOFT, start + seconds - SOFT));
  gain.gain.linearRampToValueAtTime(0, start + seconds + SOFT);
  gain.connect(context.destination);
  for (const [multiple, share] of PARTIALS) {
    const level = context.createGain();
    level.gain.value = share;
    const oscillator = context.createOscillator();
    oscillator.frequency.value = multiple * 440 * 2 ** ((pitch - 69) / 12);
    oscillator.connect(level).connect(gain);
    oscillator.start(start);
    oscillator.stop(start + seconds + 2 * SOFT);
  }
}
