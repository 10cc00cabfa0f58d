// What the search box finds: layers, functions and weights, each leading to a call.

/** Everything that can be found in a chapter: {kind, text, note, targets}, targets being calls. */
export function entriesOf({ calls, functions, landmarks, layers, weights }, has) {
  const buildOf = (id) => (landmarks[calls[id].landmark]?.name === "Layer.build" ? id : undefined);
  const ofLayers = new Map();
  const ofFunctions = new Map();
  calls.forEach((call, id) => {
    if (!has(id)) return;
    if (call.layer !== undefined) {
      const known = ofLayers.get(call.layer);
      if (!known) ofLayers.set(call.layer, { first: id, build: buildOf(id) });
      else known.build ??= buildOf(id);
    }
    const { name } = functions[call.function];
    if (!ofFunctions.has(name)) ofFunctions.set(name, []);
    ofFunctions.get(name).push(id);
  });
  const found = [];
  for (const [id, { first, build }] of ofLayers) {
    const [name, className] = layers[id];
    found.push({ kind: "layer", text: name, note: className, targets: [build ?? first] });
  }
  for (const [name, targets] of ofFunctions) {
    found.push({ kind: "call", text: name, note: `${targets.length}×`, targets });
  }
  for (const weight of weights) {
    if (weight.call === null || !has(weight.call)) continue;
    found.push({ kind: "weight", text: weight.path, note: weight.shape, targets: [weight.call] });
  }
  return found;
}

/** The entries that have the words of a query, the best first. */
export function search(entries, query, most) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const found = [];
  entries.forEach((entry, place) => {
    const text = entry.text.toLowerCase();
    const all = `${text} ${entry.note.toLowerCase()} ${entry.kind}`;
    if (!words.every((word) => all.includes(word))) return;
    let rank = 3;
    if (text === words[0]) rank = 0;
    else if (text.startsWith(words[0])) rank = 1;
    else if (new RegExp(`[^a-z0-9]${escaped(words[0])}`).test(text)) rank = 2;
    found.push({ entry, rank, place });
  });
  found.sort((a, b) => a.rank - b.rank || a.place - b.place);
  return found.slice(0, most).map(({ entry }) => entry);
}

function escaped(word) {
  return word.replace(/[^a-z0-9]/g, "\\$&");
}

/** Of several targets the next one after a position, and after the last one the first. */
export function nextTarget(targets, timeline, position) {
  const sorted = [...targets].sort((a, b) => timeline.begins[a] - timeline.begins[b]);
  return sorted.find((id) => timeline.begins[id] > position) ?? sorted[0];
}
