// Runs .tflite files by LiteRT.js. All of its tensors are made and deleted here.
import { getGlobalLiteRt, loadAndCompile, loadLiteRt, Tensor } from "../litert/core.js";
import { initialState } from "./state.js";

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };
const MOST_TIMES = 20000;
let tensors = 0;
let loaded = null;

/** Load LiteRT.js; once, however often it is called. */
export function loadRuntime() {
  loaded ??= loadLiteRt(new URL("../litert/wasm/", import.meta.url).href);
  return loaded;
}

/** Return how many tensors live, and the bytes of the memory that LiteRT.js has. */
export function memory() {
  return { tensors, bytes: getGlobalLiteRt().liteRtWasm.HEAPU8.length };
}

/** One .tflite file. Calls take turns. */
export class Network {
  /**
   * @param {Uint8Array} bytes the content of the file
   * @param {object} record its record in the manifest
   */
  static async load(bytes, record) {
    await loadRuntime();
    let model;
    try {
      model = await loadAndCompile(bytes, { accelerator: "wasm" });
    } catch (error) {
      throw new Error(`${record.file}: LiteRT.js can't load it: ${firstLine(error)}`);
    }
    return new Network(model, record);
  }

  constructor(model, record) {
    this.model = model;
    this.record = record;
    this.times = [];
    this.turn = Promise.resolve();
    this.signatures = {};
    for (const [name, signature] of Object.entries(model.signatures)) {
      this.signatures[name] = {
        inputs: signature.getInputDetails().map(described),
        outputs: signature.getOutputDetails().map(described),
      };
    }
  }

  /** The signature that runs the whole network, or one step of it. */
  get main() {
    return this.signatures.step ? "step" : Object.keys(this.signatures)[0];
  }

  /** The names of the states; none if the network keeps none. */
  get states() {
    return Object.keys(this.record.signatures?.step?.states ?? {});
  }

  /** The inputs that are no states: name, dtype, shape. */
  get inputs() {
    return this.signatures[this.main].inputs.filter(({ name }) => !this.states.includes(name));
  }

  /** Run a signature on typed arrays by name; return typed arrays by name. */
  run(name, arrays) {
    const result = this.turn.then(() => this.runNow(name, arrays));
    this.turn = result.catch(() => {});
    return result;
  }

  async runNow(name, arrays) {
    const signature = this.signatures[name];
    if (!signature) throw new Error(`${this.record.file}: expected a signature ${name}, found none`);
    const given = [];
    let made = [];
    try {
      for (const input of signature.inputs) given.push(this.tensor(input, arrays[input.name]));
      const start = performance.now();
      // By place, not by name: outputs that share a tensor share a name, and one of them would be lost.
      made = await this.model.run(name, given);
      if (name !== "init" && this.times.length < MOST_TIMES) this.times.push(performance.now() - start);
      tensors += made.length;
      return Object.fromEntries(made.map((tensor, i) => [signature.outputs[i].name, tensor.toTypedArray()]));
    } finally {
      for (const tensor of [...given, ...made]) {
        tensor.delete();
        tensors -= 1;
      }
    }
  }

  tensor(input, values) {
    const size = input.shape.reduce((product, each) => product * each, 1);
    if (values?.length !== size) {
      throw new Error(`${this.record.file}: ${input.name}: expected ${size} values, got ${values?.length}`);
    }
    const Kind = ARRAYS[input.dtype];
    if (!Kind) throw new Error(`${this.record.file}: ${input.name}: browsers can't give ${input.dtype}`);
    const tensor = new Tensor(values instanceof Kind ? values : Kind.from(values), input.shape);
    tensors += 1;
    return tensor;
  }

  /** Return the state before the first step, by name. */
  async initial() {
    const outputs = await this.run("init", {});
    return initialState(this.states, this.signatures, outputs, this.record.file);
  }

  /** Run one step; return the outputs and the next state, by name. */
  async step(inputs, state) {
    const made = await this.run("step", { ...inputs, ...state });
    const next = {};
    for (const name of this.states) {
      next[name] = made[name];
      delete made[name];
    }
    return { outputs: made, state: next };
  }

  delete() {
    this.model.delete();
  }
}

const described = ({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] });

/** Return what an error says, without what follows in further lines. */
export function firstLine(error) {
  return String(error?.message ?? error).split("\n")[0];
}
