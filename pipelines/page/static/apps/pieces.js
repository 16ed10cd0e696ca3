// The page of an app that composes voices: compose, see the notes, hear them, keep them as MIDI.
import { colour, prepared } from "../js/canvas.js";
import { download, element, labelled, select, slider } from "../js/dom.js";
import { firstLine } from "../js/runtime.js";
import { seeded } from "../js/sampling.js";
import { midi } from "../js/midi.js";
import { play } from "../js/synth.js";
import { compose, notesOf, opening, pieceOf } from "../js/voices.js";

const KEYS = ["any", "C", "G", "D", "F", "Bb", "a", "e", "d", "g"];
const LENGTHS = [10, 20, 40, 60];
const COLOURS = ["--accent", "--good", "--bad", "--soft"];
const PAINT = 40;

export async function create({ bundle, settings }) {
  if (!bundle.preprocessing.voices) {
    throw new Error(`This page shows networks of voices, not of ${bundle.preprocessing.kind}.`);
  }
  return new Pieces(bundle, settings);
}

class Pieces {
  constructor(bundle, settings) {
    const { voices, steps_per_beat: stepsPerBeat } = bundle.preprocessing;
    Object.assign(this, { bundle, settings, voices, stepsPerBeat, notes: [], steps: 0, run: 0 });
    this.composing = element("button.first", { type: "button", id: "compose", onclick: () => this.compose() }, "Compose");
    this.playing = element("button", { type: "button", id: "play", disabled: true, onclick: () => this.play() }, "Play");
    this.keep = element("button", { type: "button", id: "midi", disabled: true, onclick: () => this.save() }, "Download MIDI");
    this.key = select("key", KEYS, "any");
    this.seconds = select("seconds", LENGTHS, 20);
    const heat = slider("temperature", "Temperature", { min: 0, max: 1.5, step: 0.1, value: settings.temperature });
    this.temperature = heat.input;
    this.said = element("p.soft", { id: "piece", role: "status" }, "Nothing is composed yet.");
    this.roll = element("canvas", { role: "img", "aria-label": "The notes of the piece" });
    this.roll.style.height = "14rem";
    this.problem = element("p.bad", { role: "alert", id: "problem" });
    this.element = element(
      "div", {}, element("p.row", {}, this.composing, this.playing, this.keep),
      element("p.row", {}, ...labelled("Key", this.key), ...labelled("Seconds", this.seconds)),
      element("p.row", {}, ...heat.parts), this.problem, this.said, this.roll,
    );
  }

  unit() {
    return "One token";
  }

  get secondsPerStep() {
    return 60 / this.settings.tempo / this.stepsPerBeat;
  }

  /** Open a network: its session composes with the draws that an input gives. */
  async open(record, load) {
    const network = await load(record);
    const answer = async ({ draws, key }) => {
      const outputs = [];
      const first = key ? opening(key, this.voices) : undefined;
      const rows = Math.round(draws.length / this.voices) + (first ? 1 : 0);
      const settings = { ...this.sampling(), temperature: this.settings.temperature, steps: rows, first };
      let next = 0;
      const tokens = await compose(network, settings, () => draws[next++], (_, p) => outputs.push(...p));
      return { answer: pieceOf(tokens), outputs };
    };
    return { networks: [network], answer };
  }

  sampling() {
    return { voices: this.voices, stepsPerBeat: this.stepsPerBeat, topP: this.settings.top_p };
  }

  async use(session) {
    this.run += 1;
    this.session = session;
  }

  async compose() {
    const run = (this.run += 1);
    this.player?.stop();
    this.composing.disabled = true;
    this.problem.textContent = "";
    try {
      const steps = Math.round(Number(this.seconds.value) / this.secondsPerStep);
      const start = performance.now();
      const tokens = await this.written(steps, run);
      if (run !== this.run) return;
      this.show(tokens, steps);
      const seconds = steps * this.secondsPerStep;
      const faster = (1000 * seconds) / (performance.now() - start);
      this.said.textContent = `${seconds.toFixed(0)} s of music, ${this.notes.length} notes, composed ${faster.toFixed(1)} times as fast as it sounds.`;
      this.playing.disabled = this.keep.disabled = false;
    } catch (error) {
      this.problem.textContent = firstLine(error);
    } finally {
      this.composing.disabled = false;
    }
  }

  async written(steps, run) {
    const [network] = this.session.networks;
    const first = this.key.value === "any" ? undefined : opening(this.key.value, this.voices);
    const settings = { ...this.sampling(), temperature: Number(this.temperature.value), steps, first };
    let painted = 0;
    return compose(network, settings, seeded(Math.random() * 2 ** 32), (tokens) => {
      if (tokens.length >= painted + PAINT) {
        painted = tokens.length;
        this.show(tokens.slice(0, -1), steps);
      }
      return run === this.run;
    });
  }

  show(tokens, steps) {
    this.steps = steps;
    this.notes = notesOf(pieceOf(tokens));
    this.draw();
  }

  draw() {
    const { context, width, height } = prepared(this.roll);
    const colours = COLOURS.map(colour);
    const pitches = this.notes.map(({ pitch }) => pitch);
    const [low, high] = [Math.min(48, ...pitches) - 2, Math.max(72, ...pitches) + 2];
    const [step, row] = [width / Math.max(1, this.steps), height / (high - low)];
    for (const { voice, pitch, start, length } of this.notes) {
      context.fillStyle = colours[voice % colours.length];
      context.fillRect(start * step, (high - pitch) * row, Math.max(1, length * step - 1), Math.max(2, row - 1));
    }
    if (!this.player) return;
    context.fillStyle = colour("--text");
    context.fillRect((this.player.time() / this.secondsPerStep) * step, 0, 2, height);
    requestAnimationFrame(() => this.draw());
  }

  play() {
    if (this.player) {
      this.player.stop();
      return;
    }
    this.player = play(this.notes, this.secondsPerStep, () => {
      this.player = null;
      this.playing.textContent = "Play";
      this.draw();
    });
    this.playing.textContent = "Stop";
    this.draw();
  }

  save() {
    download("piece.mid", midi(this.notes, this.voices, this.stepsPerBeat, this.settings.tempo), "audio/midi");
  }
}
