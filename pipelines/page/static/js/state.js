/**
 * Return the initial state by name from the outputs of the signature `init`.
 *
 * States that start equal may be one tensor in the file. LiteRT.js then gives it several times under one of
 * the names, and the other names are missing: they get the value that has their shape and came more than once.
 */
export function initialState(names, signatures, outputs, file) {
  const made = signatures.init?.outputs ?? [];
  const wanted = new Map((signatures.step?.inputs ?? []).map((each) => [each.name, each]));
  const shared = made.filter((each, i) => made.findIndex(({ name }) => name === each.name) !== i);
  return Object.fromEntries(
    names.map((name) => {
      if (outputs[name]) return [name, outputs[name]];
      const alike = shared.find((each) => String(each.shape) === String(wanted.get(name)?.shape));
      if (!alike) throw new Error(`${file}: expected the state ${name} from the signature init, found none`);
      return [name, outputs[alike.name]];
    }),
  );
}
