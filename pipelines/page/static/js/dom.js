/**
 * Make an element.
 *
 * @param {string} tag its tag, such as "p" or "button.first"
 * @param {object} more attributes; those that begin with "on" are called at the event
 * @param {...(Node|string)} children what is in it
 */
export function element(tag, more = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  made.classList.add(...classes);
  for (const [key, value] of Object.entries(more)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Return a label and the input that it names. */
export const labelled = (text, input) => [element("label", { for: input.id }, text), input];

/** Return a list to choose from. */
export const select = (id, values, chosen) =>
  element("select", { id }, ...values.map((each) => element("option", { selected: each === chosen }, String(each))));

/**
 * Return {input, parts}: a slider, and with its label and its value beside it.
 *
 * @param {object} range min, max, step, value
 * @param {(value: number) => void} changed is called when it moves
 */
export function slider(id, label, { value, ...range }, changed = () => {}) {
  const shown = element("output", { for: id }, String(value));
  const input = element("input", {
    type: "range", id, ...range, value,
    oninput: () => {
      shown.textContent = input.value;
      changed(Number(input.value));
    },
  });
  return { input, parts: [...labelled(label, input), shown] };
}

/** Return a place for a file: it can be dropped, or chosen by a button. */
export function fileDrop(label, accept, take) {
  const input = element("input", { type: "file", id: "file", accept, onchange: () => taken(input.files[0]) });
  const taken = (file) => file && take(file);
  const over = (event) => {
    event.preventDefault();
    place.classList.toggle("over", event.type === "dragover");
  };
  const dropped = (event) => {
    over(event);
    taken(event.dataTransfer.files[0]);
  };
  const place = element(
    "div.drop",
    { ondragover: over, ondragleave: over, ondrop: dropped },
    element("label", { for: "file" }, `${label} `),
    input,
  );
  return place;
}

/** Offer a file to keep. */
export function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
