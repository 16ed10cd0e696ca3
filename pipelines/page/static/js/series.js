// Series in tables, as apps/forecasting reads them: times in equal steps, the calendar, what is missing.
import { column, parseCsv } from "./csv.js";

const DAY = 86400;
const PERIODS = { day: DAY, week: 7 * DAY, year: 365.2425 * DAY };
const TIME = /^(\d{4})[-/](\d\d?)(?:[-/](\d\d?))?(?:[ T](\d\d?)(?::(\d\d)(?::(\d\d)(?:\.\d+)?)?)?)?Z?$/;

/** Return a time in seconds, as UTC. */
export function secondsOf(cell, where) {
  const found = TIME.exec(cell.trim());
  if (!found) throw new Error(`${where}: expected a time such as 2024-01-31 or 2024-01-31 13:00, found ${cell}`);
  const [year, month, day = 1, hour = 0, minute = 0, second = 0] = found.slice(1).map((each) => each && Number(each));
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
}

/** Return a time as text, as Python's numpy writes it. */
export const timeText = (seconds) => new Date(1000 * seconds).toISOString().slice(0, 19);

/** Return the calendar that suits a step. */
export function periodsOf(calendar, [seconds, months]) {
  if (!seconds && !months) return [];
  if (calendar.length) return calendar.filter((each) => each !== "none");
  if (months || seconds > DAY) return ["year"];
  return seconds < DAY ? ["day", "week"] : ["week", "year"];
}

/** Return the sine and cosine of the phase of a time in each period. */
function phases(time, periods) {
  return periods.flatMap((period) => {
    const start = period === "year" ? Date.UTC(new Date(1000 * time).getUTCFullYear(), 0) / 1000 : 0;
    const phase = (2 * Math.PI * (time - start)) / PERIODS[period];
    return [Math.sin(phase), Math.cos(phase)];
  });
}

const monthOf = (time) => 12 * new Date(1000 * time).getUTCFullYear() + new Date(1000 * time).getUTCMonth();

/** Return the time so many steps after another one. */
function after(time, [seconds, months], count) {
  if (seconds) return time + seconds * count;
  if (!months) return time + count;
  const date = new Date(1000 * time);
  const last = (year, month) => new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months * count];
  const atEnd = date.getUTCDate() === last(year, date.getUTCMonth());
  const day = atEnd ? last(year, month) : date.getUTCDate();
  return Date.UTC(year, month, day) / 1000 + (time % DAY);
}

export class SeriesReader {
  /** @param {object} manifest of a bundle of this app */
  constructor({ config, preprocessing }) {
    Object.assign(this, { ...preprocessing, lookBack: preprocessing.look_back });
    this.names = [...preprocessing.targets, ...config.covariates];
    this.periods = periodsOf(config.calendar, this.step);
    [this.timeColumn] = config.time_column;
    this.hasTimes = this.step.some(Boolean);
  }

  /**
   * Return {times, past, window, ahead}: the times and the values of all rows up to the last one with a value of a
   * target, what the network reads of them, and the times of the forecast. Rows of `past` have a value for each name.
   */
  read(text, file) {
    const table = parseCsv(text, file);
    const lacking = this.names.filter((name) => !table.names.includes(name));
    if (lacking.length) {
      throw new Error(`${file}: expected a column ${lacking[0]}, the columns are ${table.names.join(", ")}`);
    }
    const columns = this.names.map((name) => column(table, name, file));
    const rows = table.rows.map((_, i) => columns.map((each) => each[i]));
    const { times, values } = this.onGrid(this.timesOf(table, file), rows, file);
    let end = values.length;
    while (end && values[end - 1].slice(0, this.targets.length).every(Number.isNaN)) end -= 1;
    if (end < this.lookBack) {
      throw new Error(`${file}: expected at least ${this.lookBack} steps with values, got ${end}`);
    }
    const first = end - this.lookBack;
    const window = this.windowOf(times.slice(first, end), values.slice(first, end));
    const ahead = Array.from({ length: this.horizon }, (_, i) => after(times[end - 1], this.step, i + 1));
    return { times: times.slice(0, end), past: values.slice(0, end), window, ahead };
  }

  timesOf(table, file) {
    if (!this.hasTimes) return table.rows.map((_, i) => i);
    const place = this.timeColumn ? table.names.indexOf(this.timeColumn) : 0;
    if (place < 0) throw new Error(`${file}: expected a column ${this.timeColumn} with times`);
    return table.rows.map((row, i) => secondsOf(row[place] ?? "", `${file}: row ${i + 2}`));
  }

  /** Put rows at equal steps; a step without a row has no values. */
  onGrid(times, rows, file) {
    const order = Array.from(times.keys()).sort((a, b) => times[a] - times[b]);
    const first = times[order[0]];
    const [seconds, months] = this.step;
    const placeOf = (time) => (months ? (monthOf(time) - monthOf(first)) / months : (time - first) / (seconds || 1));
    const values = [];
    for (const i of order) {
      const place = placeOf(times[i]);
      if (!Number.isInteger(place) || place > 20 * rows.length) {
        const wanted = months ? `${months} months` : `${seconds} seconds`;
        throw new Error(`${file}: expected steps of ${wanted} as in training, found ${timeText(times[i])}`);
      }
      while (values.length < place) values.push(this.names.map(() => NaN));
      values[place] ??= rows[i];
    }
    return { times: values.map((_, i) => after(first, this.step, i)), values };
  }

  /** Return the network's input: missing values are filled with the last ones, and marked. */
  windowOf(times, values) {
    const last = this.fill.slice(0, this.names.length);
    return Float32Array.from(
      values.flatMap((row, i) => {
        row.forEach((value, k) => !Number.isNaN(value) && (last[k] = value));
        const marks = this.masked ? row.map((value) => Number(!Number.isNaN(value))) : [];
        return [...last, ...phases(times[i], this.periods), ...marks];
      }),
    );
  }
}
