// Arrays as golden.json holds them.
const KINDS = {
  float32: Float32Array, float64: Float64Array, int32: Int32Array, int16: Int16Array, uint8: Uint8Array,
};

/** Return a value of golden.json; {dtype, shape, data} becomes a typed array. */
export function unpacked(value) {
  if (!value || typeof value !== "object" || Array.isArray(value)) return value;
  if (value.data === undefined) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unpacked(each)]));
  }
  const bytes = Uint8Array.from(atob(value.data), (character) => character.charCodeAt(0));
  return new KINDS[value.dtype](bytes.buffer);
}

/** Return the number of the largest value; of equal ones the first. */
export function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if (values[i] > values[best]) best = i;
  return best;
}

/** Return the largest difference of two arrays; Infinity if one is longer or a number isn't finite. */
export function largestDifference(found, expected) {
  if (found.length !== expected.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < found.length; i += 1) {
    const difference = Math.abs(found[i] - expected[i]);
    if (!(difference <= largest)) largest = Number.isFinite(difference) ? difference : Infinity;
  }
  return largest;
}

/** Return the value below which a share of the numbers lies, between the two nearest ones. */
export function quantile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  if (!sorted.length) return NaN;
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}
