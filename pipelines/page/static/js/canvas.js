// Canvases, and the colours of the page.

/** Return an empty canvas as large as it is shown, in its own pixels. */
export function prepared(canvas) {
  const scale = globalThis.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.max(1, width * scale);
  canvas.height = Math.max(1, height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Return a colour of the page by its name in style.css. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
