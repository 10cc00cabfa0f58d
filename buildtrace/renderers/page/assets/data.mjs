// Opening what the page carries: JSON, compressed, in base64.

export async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** The places of the weights that each call made, by call. */
export function weightsByCall(weights) {
  const found = new Map();
  weights.forEach(({ call }, place) => {
    if (call === null) return;
    if (!found.has(call)) found.set(call, []);
    found.get(call).push(place);
  });
  return found;
}
