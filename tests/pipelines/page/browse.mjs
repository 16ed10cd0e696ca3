// Does things in a page, one after another, and prints what came of each as a line of JSON.
// Use: node browse.mjs PLAYWRIGHT CHROMIUM PLAN, where PLAN is JSON: {address, flags, folder, steps, width, dark}.
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , playwright, executablePath, text] = process.argv;
const plan = JSON.parse(text);
const { chromium } = await import(pathToFileURL(path.join(playwright, "index.mjs")));

const quiet = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--no-sandbox",
];
const context = await chromium.launchPersistentContext(plan.folder, {
  executablePath, headless: true, args: [...quiet, ...(plan.flags ?? [])],
  viewport: { width: plan.width ?? 1000, height: 900 }, colorScheme: plan.dark ? "dark" : "light",
});
const page = context.pages()[0] ?? (await context.newPage());
page.setDefaultTimeout(plan.patience ?? 300000);
const strangers = [];
page.on("request", (request) => {
  if (!request.url().startsWith(plan.address) && !/^(data|blob):/.test(request.url())) strangers.push(request.url());
});

const steps = {
  // Wait until the page has one of the states.
  state: (...names) =>
    page.waitForFunction((each) => each.includes(document.documentElement.dataset.state), names).then(() =>
      page.evaluate(() => document.documentElement.dataset.state)),
  text: (selector) => page.locator(selector).innerText(),
  fill: (selector, value) => page.locator(selector).fill(value),
  click: (selector) => page.locator(selector).click(),
  file: (selector, file) => page.locator(selector).setInputFiles(file),
  until: (script) => page.waitForFunction(script).then((handle) => handle.jsonValue()),
  evaluate: (script) => page.evaluate(script),
  choose: (selector, value) => page.locator(selector).selectOption(value),
  screenshot: (file) => page.screenshot({ path: file, fullPage: true }).then(() => null),
  press: (key) => page.keyboard.press(key),
  strangers: () => strangers,
};

try {
  await page.goto(plan.address);
  for (const [name, ...values] of plan.steps) {
    const found = await steps[name](...values);
    console.log(JSON.stringify(found ?? null));
  }
} finally {
  await context.close();
}
