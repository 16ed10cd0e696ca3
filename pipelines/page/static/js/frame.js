// The frame of every page. It knows no app: page.json names the module that shows it.
import { unpacked } from "./arrays.js";
import { Bundle, fetchedJson } from "./bundle.js";
import { check } from "./check.js";
import { download, element } from "./dom.js";
import { firstLine, memory, Network } from "./runtime.js";
import { cells, report, said, saidOfTime } from "./table.js";

const FORMAT = 1;
const at = (id) => document.getElementById(id);
const state = (name) => (document.documentElement.dataset.state = name);

let page, bundle, golden, app, session;
let records = [];
const results = new Map();

function fail(error) {
  at("status").textContent = "";
  at("error").textContent = firstLine(error);
  state("broken");
  console.error(error);
}

async function open(record) {
  const load = async (each) => Network.load(await bundle.bytes(each), each);
  const opened = await app.open(record, load);
  opened.delete = () => opened.networks.forEach((network) => network.delete());
  return opened;
}

async function show(record) {
  state("loading");
  at("error").textContent = "";
  at("variant").disabled = true;
  try {
    const fresh = await open(record);
    await app.use(fresh);
    session?.delete();
    session = fresh;
    await checked(session, record);
    at("status").textContent = "";
    state("ready");
  } catch (error) {
    fail(error);
  } finally {
    at("variant").disabled = false;
  }
}

async function checked(opened, record) {
  const tell = (done) => (at("golden").textContent = `Comparing with Python: ${done} of ${golden.inputs.length}.`);
  tell(0);
  const result = await check(opened, golden, record.file, tell);
  results.set(record.file, result);
  at("golden").textContent = said(result);
  at("golden").className = result.equal === result.total ? "good" : "bad";
  at("latency").textContent = saidOfTime(result, app.unit(record));
  fillRows();
}

async function measureAll() {
  at("measure").disabled = at("variant").disabled = true;
  for (const record of records) {
    at("status").textContent = `Measuring ${record.file}.`;
    try {
      const opened = await open(record);
      try {
        results.set(record.file, await check(opened, golden, record.file));
      } finally {
        opened.delete();
      }
    } catch (error) {
      results.set(record.file, { refused: firstLine(error) });
    }
    fillRows();
  }
  at("status").textContent = "All networks are measured.";
  at("measure").disabled = at("variant").disabled = false;
}

function fillRows() {
  const rows = records.map((record) => {
    const [name, ...rest] = cells(record, results.get(record.file));
    return element("tr", {}, element("th", { scope: "row" }, name), ...rest.map((text) => element("td", {}, text)));
  });
  at("rows").replaceChildren(...rows);
  at("download").disabled = !results.size;
}

function fill() {
  document.title = at("title").textContent = page.title;
  at("summary").textContent = page.summary;
  const options = records.map((each) =>
    element("option", { value: each.file }, `${each.precision}, ${each.execution}`),
  );
  at("variant").replaceChildren(...options);
  const others = bundle.variants.filter((each) => !records.includes(each)).map(({ file }) => file);
  if (others.length) at("others").textContent = `This page can't run ${others.join(", ")}.`;
  at("variant").onchange = () => show(records[at("variant").selectedIndex]);
  at("measure").onclick = measureAll;
  at("download").onclick = () => {
    const text = JSON.stringify(report(page, bundle.manifest.run_id, records, results, navigator), null, 1);
    download(`${page.app}.json`, text, "application/json");
  };
  fillRows();
  at("app").hidden = at("check").hidden = false;
}

async function start() {
  page = await fetchedJson("page.json");
  if (page.format !== FORMAT) throw new Error(`page.json: expected format ${FORMAT}, found ${page.format}`);
  bundle = await Bundle.open("bundle");
  golden = await fetchedJson("golden.json");
  // Python leaves out the files that this page or browsers can't run.
  records = bundle.variants.filter(({ file }) => golden.answers[file]);
  if (!records.length) throw new Error("golden.json: expected answers of a file of the bundle, found none");
  const module = await import(`../apps/${page.module}.js`);
  const examples = golden.inputs.map(unpacked);
  app = await module.create({ bundle, settings: page.settings, examples, fail });
  fill();
  at("status").textContent = "Loading the network.";
  at("app").replaceChildren(app.element);
  const first = Math.max(0, records.findIndex(({ execution }) => execution === app.prefers));
  at("variant").selectedIndex = first;
  await show(records[first]);
}

globalThis.unrolled = { memory };
start().catch(fail);
