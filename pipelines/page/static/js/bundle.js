// The files of a bundle. None is used before its size and hash agree with the manifest.

/** Return the content of a file of the page; an Error of one line says what is wrong. */
export async function fetched(name) {
  let response;
  try {
    response = await fetch(name);
  } catch {
    throw new Error(`${name}: expected a file of the page, but the server can't be reached`);
  }
  if (!response.ok) throw new Error(`${name}: expected a file of the page, found none (${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Return a file of JSON. */
export async function fetchedJson(name) {
  try {
    return JSON.parse(new TextDecoder().decode(await fetched(name)));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error(`${name}: expected JSON: ${error.message}`);
  }
}

export class Bundle {
  /** Read and check the manifest. */
  static async open(folder) {
    const manifest = await fetchedJson(`${folder}/manifest.json`);
    const lists = ["variants", "assets", "labels"].filter((name) => !Array.isArray(manifest?.[name]));
    if (lists.length) throw new Error(`${folder}/manifest.json: expected a list ${lists[0]}, found none`);
    if (!manifest.variants.length) throw new Error(`${folder}/manifest.json: expected a network, found none`);
    return new Bundle(folder, manifest);
  }

  constructor(folder, manifest) {
    this.folder = folder;
    this.manifest = manifest;
  }

  get labels() {
    return this.manifest.labels;
  }

  get preprocessing() {
    return this.manifest.preprocessing;
  }

  get variants() {
    return this.manifest.variants;
  }

  /** Return the record of the part of this name and precision. */
  part(name, precision) {
    const parts = this.manifest.parts ?? [];
    const found = parts.find((each) => each.part === name && each.precision === precision);
    if (!found) throw new Error(`${this.folder}: expected a part ${name} in ${precision}, found none`);
    return found;
  }

  /** Load the parts of these names in a precision; return their networks. */
  async parts(names, precision, load) {
    const networks = [];
    for (const name of names) networks.push(await load(this.part(name, precision)));
    return networks;
  }

  /** Return the bytes of an asset, such as a vocabulary. */
  asset(name) {
    const record = this.manifest.assets.find(({ file }) => file === name);
    if (!record) throw new Error(`${this.folder}: expected a file ${name}, found none`);
    return this.bytes(record);
  }

  /** Return the checked bytes of a file by its record. */
  async bytes(record) {
    const name = `${this.folder}/${record.file}`;
    const bytes = await fetched(name);
    if (record.bytes !== undefined && bytes.length !== record.bytes) {
      throw new Error(`${name}: expected ${record.bytes} bytes, found ${bytes.length}`);
    }
    // Browsers hash only on pages that came by https or from this machine.
    const digest = await globalThis.crypto?.subtle?.digest("SHA-256", bytes);
    const found = digest && Array.from(new Uint8Array(digest), (each) => each.toString(16).padStart(2, "0")).join("");
    if (digest && found !== record.sha256) {
      throw new Error(`${name}: expected SHA-256 ${record.sha256}, found ${found}`);
    }
    return bytes;
  }
}
