// Probabilities as bars.
import { element } from "./dom.js";

/** Return the cells of a row in an element of the class bars: the label, a bar, and the percent. */
export function bar(label, probability) {
  const percent = `${(100 * probability).toFixed(1)} %`;
  const inner = element("i", { style: `width: ${100 * probability}%` });
  return [
    element("span", {}, label),
    element("div.bar", { "aria-hidden": "true" }, inner),
    element("span", {}, percent),
  ];
}
