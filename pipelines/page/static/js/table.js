// What the frame says of its measurements, as text and as JSON.

const small = (number) => (number === 0 ? "0" : Number(number).toExponential(0));
const time = (ms) => (ms < 10 ? ms.toFixed(2) : ms.toFixed(1));

/** Say how many answers are those of Python. */
export function said(result) {
  const first = result.unequal ? ` The first that differs is input ${result.unequal}.` : "";
  return `${result.equal} of ${result.total} equal, largest difference ${small(result.difference)}.${first}`;
}

/** Say how long calls take. */
export function saidOfTime(result, unit) {
  return `${unit}: p50 ${time(result.p50)} ms, p95 ${time(result.p95)} ms, over ${result.calls} calls on this machine.`;
}

/** Return the texts of a row of the table. */
export function cells(record, result) {
  const head = [`${record.precision}, ${record.execution}`, record.bytes.toLocaleString("en")];
  if (!result) return [...head, "–", "–", "–", "–"];
  if (result.refused) return [...head, "–", "–", result.refused, "–"];
  return [
    ...head, time(result.p50), time(result.p95), `${result.equal} of ${result.total}`, small(result.difference),
  ];
}

/** Return all measurements for JSON. */
export function report({ app }, runId, records, results, machine) {
  const rows = records.map(({ file, precision, execution, bytes }) => {
    const { unequal, difference, ...result } = results.get(file) ?? {};
    const largest = difference === undefined ? {} : { largest_difference: difference };
    return { file, precision, execution, bytes, ...result, ...largest };
  });
  return {
    app, run_id: runId, measured: new Date().toISOString(),
    browser: machine.userAgent, cores: machine.hardwareConcurrency, runtime: "LiteRT.js, wasm", variants: rows,
  };
}
