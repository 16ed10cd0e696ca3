// Tables in text: CSV and TSV.

const DELIMITERS = [",", ";", "\t"];
const MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL"];

/** Return {names, rows} of a table with a line of names; an Error of one line if it isn't one. */
export function parseCsv(text, file) {
  const plain = text.replace(/^\ufeff/, "");
  const head = plain.slice(0, plain.search(/[\r\n]|$/));
  const count = (delimiter) => head.split(delimiter).length;
  const delimiter = DELIMITERS.reduce((best, each) => (count(each) > count(best) ? each : best));
  const [names, ...rows] = cellsOf(plain, delimiter).filter((row) => row.length > 1 || row[0]?.trim());
  if (!rows.length) throw new Error(`${file}: expected a table with rows, found none`);
  const wrong = rows.findIndex((row) => row.length > names.length);
  if (wrong >= 0) throw new Error(`${file}: row ${wrong + 2}: expected ${names.length} cells, found ${rows[wrong].length}`);
  return { names: names.map((name) => name.trim()), rows };
}

function cellsOf(text, delimiter) {
  const rows = [[]];
  let [cell, quoted] = ["", false];
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') cell += text[(i += 1)];
      else quoted = false;
    } else if (character === '"' && !cell) quoted = true;
    else if (character === delimiter || character === "\n") {
      rows.at(-1).push(cell);
      cell = "";
      if (character === "\n") rows.push([]);
    } else if (character !== "\r") cell += character;
  }
  rows.at(-1).push(cell);
  return rows;
}

/** Return a column as numbers, NaN where the cell is empty; an Error tells the first cell that is no number. */
export function column({ names, rows }, name, file) {
  const place = names.indexOf(name);
  return Float64Array.from(rows, (row, i) => {
    const cell = (row[place] ?? "").trim();
    if (MISSING.includes(cell)) return NaN;
    const number = Number(cell);
    if (Number.isNaN(number)) throw new Error(`${file}: row ${i + 2}: ${name}: expected a number, found ${cell}`);
    return number;
  });
}
