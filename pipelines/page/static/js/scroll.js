// Pictures of a stream that scroll by: the wave, and the probabilities of the labels.
import { colour, prepared } from "./canvas.js";

const SECONDS = 5;
const COLOURS = ["--accent", "--good", "--bad", "--warm"];

/** Keeps the last seconds of a stream, and draws them when the browser is ready to. */
export class Scroll {
  /**
   * @param {HTMLCanvasElement} wave
   * @param {HTMLCanvasElement} labels
   * @param {string[]} names one for each curve
   * @param {number} perSecond packets a second
   * @param {number} channels of several, each gets a line
   */
  constructor(wave, labels, names, perSecond, channels = 1) {
    Object.assign(this, { wave, labels, names, channels });
    this.length = Math.round(SECONDS * perSecond);
    this.clear();
  }

  clear() {
    this.levels = [];
    this.scores = [];
    this.draw();
  }

  /** Take a packet's samples and the smoothed probabilities after it. */
  push(samples, scores) {
    this.levels.push(this.channels > 1 ? samples.slice(-this.channels) : levelsOf(samples));
    this.scores.push(Float32Array.from(scores));
    if (this.levels.length > this.length) {
      this.levels.shift();
      this.scores.shift();
    }
    this.waiting ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.waiting = undefined;
    if (this.channels > 1) this.drawLines(prepared(this.wave));
    else this.drawWave(prepared(this.wave));
    this.drawScores(prepared(this.labels));
  }

  drawWave({ context, width, height }) {
    const loudest = Math.max(0.02, ...this.levels.map(([low, high]) => Math.max(-low, high)));
    const step = width / this.length;
    context.fillStyle = colour("--accent");
    this.levels.forEach(([low, high], i) => {
      const top = height / 2 - (high / loudest) * (height / 2 - 4);
      const bottom = height / 2 - (low / loudest) * (height / 2 - 4);
      context.fillRect(width - (this.levels.length - i) * step, top, Math.max(1, step), Math.max(1, bottom - top));
    });
  }

  drawLines({ context, width, height }) {
    const largest = this.levels.reduce((most, each) => Math.max(most, ...each.map(Math.abs)), 0.02);
    const step = width / this.length;
    const first = width - this.levels.length * step;
    for (let channel = 0; channel < this.channels; channel += 1) {
      context.strokeStyle = colour(COLOURS[channel % COLOURS.length]);
      context.globalAlpha = channel < COLOURS.length ? 1 : 0.5;
      context.beginPath();
      this.levels.forEach((each, i) =>
        context.lineTo(first + i * step, height / 2 - (each[channel] / largest) * (height / 2 - 4)),
      );
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  drawScores({ context, width, height }) {
    const step = width / this.length;
    const row = height / this.names.length;
    const first = width - this.scores.length * step;
    context.fillStyle = colour("--accent");
    this.scores.forEach((scores, i) =>
      scores.forEach((score, k) => {
        context.globalAlpha = Math.min(1, score);
        context.fillRect(first + i * step, k * row, step + 0.5, row - 1);
      }),
    );
    context.globalAlpha = 1;
    context.fillStyle = colour("--text");
    context.font = `${Math.min(12, row)}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    this.names.forEach((name, k) => context.fillText(name, 6, (k + 0.5) * row));
  }
}

/** Return the lowest and the highest of samples, and 0. */
function levelsOf(samples) {
  let [low, high] = [0, 0];
  for (const sample of samples) {
    low = Math.min(low, sample);
    high = Math.max(high, sample);
  }
  return [low, high];
}
