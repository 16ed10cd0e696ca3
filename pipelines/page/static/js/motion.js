// The motion sensor of a phone, as samples at equal times.
import { channelOf, factor } from "./recording.js";

const PATIENCE = 3000;
const READ = {
  ax: (event) => [event.accelerationIncludingGravity?.x, "m/s2"],
  ay: (event) => [event.accelerationIncludingGravity?.y, "m/s2"],
  az: (event) => [event.accelerationIncludingGravity?.z, "m/s2"],
  wx: ({ rotationRate }) => [rotationRate?.beta, "deg/s"],
  wy: ({ rotationRate }) => [rotationRate?.gamma, "deg/s"],
  wz: ({ rotationRate }) => [rotationRate?.alpha, "deg/s"],
};

/** Return whether the motion sensor has all of these channels. */
export const hasAll = (channels) => channels.every((each) => channelOf(each).bare in READ);

/** Turns readings at uneven times into samples at equal ones, by linear interpolation. */
export class Regular {
  constructor(rate) {
    this.step = 1000 / rate;
    this.last = null;
  }

  /** Take a reading at a time in ms; return the samples that it completes. */
  push(time, values) {
    const { last } = this;
    const samples = [];
    if (last && time <= last.time) return samples;
    this.next ??= time;
    for (; this.next <= time; this.next += this.step) {
      const share = last ? (this.next - last.time) / (time - last.time) : 1;
      samples.push(values.map((value, i) => (last ? last.values[i] + share * (value - last.values[i]) : value)));
    }
    this.last = { time, values };
    return samples;
  }
}

/**
 * Call take(samples) whenever the sensor gives some; return a function that stops it.
 *
 * @param {string[]} channels those of the network, with units
 * @param {number} rate samples a second
 * @param {(samples: Float32Array) => void} take gets the channels' values, one moment after the other
 * @param {(error: Error) => void} fail is called if the sensor stays silent
 */
export async function motion(channels, rate, take, fail) {
  const none = new Error("No motion sensor: browsers give that of a phone to pages by https or from this machine only.");
  if (!globalThis.DeviceMotionEvent) throw none;
  if ((await DeviceMotionEvent.requestPermission?.()) === "denied") throw new Error("The motion sensor was not allowed.");
  const wanted = channels.map(channelOf);
  const regular = new Regular(rate);
  let heard = false;
  const read = (event) => {
    const values = wanted.map(({ bare, unit }) => {
      const [value, given] = READ[bare](event);
      return (value ?? NaN) * factor(given, unit);
    });
    if (!values.every(Number.isFinite)) return;
    heard = true;
    const samples = regular.push(event.timeStamp, values);
    if (samples.length) take(Float32Array.from(samples.flat()));
  };
  const timer = setTimeout(() => heard || (stop(), fail(none)), PATIENCE);
  const stop = () => {
    clearTimeout(timer);
    removeEventListener("devicemotion", read);
  };
  addEventListener("devicemotion", read);
  return stop;
}
