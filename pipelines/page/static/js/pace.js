/** Return a function to await between steps of long work: it lets the browser paint and take input in time. */
export function pace(ms = 16) {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < ms) return;
    await new Promise((resume) => setTimeout(resume));
    last = performance.now();
  };
}
