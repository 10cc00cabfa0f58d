// What the page carries: JSON, compressed, in base64.

export async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Name and class of what is at work in a call: a layer, or an optimizer or metric; if anything is. */
export function atWork(data, call) {
  return call.holder === undefined ? data.layers[call.layer] : data.holders[call.holder];
}
