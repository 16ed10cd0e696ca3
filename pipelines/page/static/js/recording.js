// Recordings of sensors in tables, as pipelines/data/recordings.py and recording_gaps.py read them.
import { column, parseCsv } from "./csv.js";
import { quantile } from "./arrays.js";

const UNITS = {
  "g": ["m/s2", 9.80665], "mg": ["m/s2", 9.80665e-3], "m/s2": ["m/s2", 1], "m/s^2": ["m/s2", 1],
  "rad/s": ["rad/s", 1], "deg/s": ["rad/s", Math.PI / 180], "dps": ["rad/s", Math.PI / 180],
  "uv": ["mV", 1e-3], "µv": ["mV", 1e-3], "v": ["mV", 1e3], "mv": ["mV", 1],
};
const FILLED_SECONDS = 0.1;

/** Return the name of a channel without its unit, and the unit, or undefined. */
export function channelOf(name) {
  const [, bare, unit] = /^([^[(]*)(?:[[(](.*?)[\])]\s*)?$/.exec(name) ?? [null, name];
  return { bare: bare.trim(), unit: unit?.trim().toLowerCase() };
}

/** Return by what numbers in one unit are multiplied to be in another; 1 if either is unknown. */
export function factor(from, to) {
  const [given, wanted] = [UNITS[from], UNITS[to]];
  return given && wanted && given[0] === wanted[0] ? given[1] / wanted[1] : 1;
}

/**
 * Return the stretches of a recording between gaps as the network reads them: {start, samples}, where samples are
 * those of all channels, one moment after the other, and start is in seconds.
 *
 * @param {string} text a CSV or TSV file with a column for each channel, and one called time, in seconds
 * @param {string} file its name
 * @param {string[]} channels those of the network, with units
 * @param {number} rate samples a second of the network; also of a file without times
 */
export function stretches(text, file, channels, rate) {
  const table = parseCsv(text, file);
  const given = table.names.map(channelOf);
  const columns = channels.map((wanted) => {
    const { bare, unit } = channelOf(wanted);
    const place = given.findIndex((each) => each.bare === bare);
    if (place < 0) throw new Error(`${file}: expected a column ${bare}, the columns are ${table.names.join(", ")}`);
    const scale = factor(given[place].unit, unit);
    return column(table, table.names[place], file).map((each) => each * scale);
  });
  const times = table.names.includes("time") ? column(table, "time", file) : null;
  const own = times ? rateOf(times, file) : rate;
  return between(times ? onGrid(columns, times, own) : columns, own, file).map(({ start, signal }) => ({
    start, samples: interleaved(signal.map((each) => resampled(each, own, rate))),
  }));
}

function rateOf(times, file) {
  const steps = times.slice(1).map((each, i) => each - times[i]);
  const bad = steps.findIndex((each) => !(each >= 0));
  if (bad >= 0) throw new Error(`${file}: expected times that rise, row ${bad + 3} is not after the one before`);
  const step = quantile(steps, 0.5);
  if (!(step > 0)) throw new Error(`${file}: expected times in seconds that differ`);
  return Math.round(100 / step) / 100;
}

/** Put samples at equal times, NaN where one is missing. */
function onGrid(columns, times, rate) {
  const places = Array.from(times, (each) => Math.round((each - times[0]) * rate));
  if (places.every((place, i) => Math.abs(place - i) <= 2)) return columns;
  return columns.map((each) => {
    const grid = new Float64Array(places.at(-1) + 1).fill(NaN);
    places.forEach((place, i) => (grid[place] = each[i]));
    return grid;
  });
}

/** Cut channels at long gaps, and fill short ones with straight lines. */
function between(columns, rate, file) {
  const good = Array.from(columns[0].keys()).filter((i) => columns.every((each) => Number.isFinite(each[i])));
  if (!good.length) throw new Error(`${file}: expected numbers, found none in ${columns[0].length} samples`);
  const lines = columns.map((each) => filled(each, good));
  const most = Math.round(FILLED_SECONDS * rate);
  const edges = [-1, ...good, columns[0].length];
  const found = [];
  let first = 0;
  edges.slice(1).forEach((place, i) => {
    if (place - edges[i] - 1 <= most) return;
    found.push([first, edges[i] + 1]);
    first = place;
  });
  found.push([first, columns[0].length]);
  return found.filter(([from, end]) => end > from).map(([from, end]) => ({
    start: from / rate, signal: lines.map((each) => each.slice(from, end)),
  }));
}

/** Return values with straight lines between the good places. */
function filled(values, good) {
  let after = 0;
  return values.map((value, i) => {
    while (after < good.length && good[after] < i) after += 1;
    const [a, b] = [good[Math.max(0, after - 1)], good[Math.min(after, good.length - 1)]];
    if (a === b || i <= a) return values[i <= a ? a : b];
    return values[a] + ((values[b] - values[a]) * (i - a)) / (b - a);
  });
}

/** Return samples at another rate, by linear interpolation; what is too fast for it is filtered off. */
export function resampled(values, old, rate) {
  if (old === rate) return values;
  const signal = rate < old ? smoothed(values, rate / old) : values;
  return Float64Array.from({ length: Math.round((values.length * rate) / old) }, (_, i) => {
    const place = Math.min((i * old) / rate, values.length - 1);
    const below = Math.floor(place);
    return signal[below] + (place - below) * ((signal[below + 1] ?? signal[below]) - signal[below]);
  });
}

function smoothed(values, share) {
  const half = Math.round(4 / share);
  const sinc = (x) => (x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1);
  const taps = Array.from({ length: 2 * half + 1 }, (_, i) => {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (2 * half + 2));
    return sinc((i - half) * 0.9 * share) * window;
  });
  const total = taps.reduce((sum, each) => sum + each, 0);
  const at = (i) => values[Math.max(0, Math.min(values.length - 1, i))];
  return values.map((_, i) => taps.reduce((sum, tap, k) => sum + tap * at(i + k - half), 0) / total);
}

function interleaved(signal) {
  const count = signal.length;
  return Float32Array.from({ length: count * signal[0].length }, (_, i) => signal[i % count][Math.floor(i / count)]);
}
