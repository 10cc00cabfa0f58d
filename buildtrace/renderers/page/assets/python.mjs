// Colors for Python source. Good enough to read by: it knows tokens, not grammar.

const KEYWORDS = new Set(
  (
    "and as assert async await break class continue def del elif else except False finally for " +
    "from global if import in is lambda None nonlocal not or pass raise return True try while " +
    "with yield"
  ).split(" "),
);

const TOKEN = new RegExp(
  [
    /(?<comment>#.*)/,
    /(?<string>\b[rbfuRBFU]{0,2}(?:"""[^]*?(?:"""|(?![^]))|'''[^]*?(?:'''|(?![^]))))/,
    /(?<text>\b[rbfuRBFU]{0,2}(?:"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))/,
    /(?<decorator>^[ \t]*@[\w.]+)/,
    /(?<number>\b\d[\w.]*)/,
    /(?<word>[A-Za-z_]\w*)/,
  ]
    .map((part) => part.source.replaceAll("\\b[rbfu", "(?<!\\w)[rbfu"))
    .join("|"),
  "gm",
);

/** The lines of a source text, each a list of [class, text]; the texts together are the source. */
export function highlight(code) {
  const lines = [[]];
  const add = (kind, text) => {
    text.split("\n").forEach((piece, n) => {
      if (n) lines.push([]);
      if (piece) lines[lines.length - 1].push([kind, piece]);
    });
  };
  let end = 0;
  let previous = "";
  for (const found of code.matchAll(TOKEN)) {
    add("", code.slice(end, found.index));
    add(kindOf(found, previous), found[0]);
    if (found.groups.word) previous = found[0];
    end = found.index + found[0].length;
  }
  add("", code.slice(end));
  return lines;
}

/** The first and the last line of a function's docstring, from 0; nothing if it has none. */
export function docstringIn(code) {
  const lines = code.split("\n");
  const head = lines.findIndex((line) => /^\s*(async\s+)?def\s/.test(line));
  const end = lines.findIndex((line, n) => n >= head && /:\s*(#.*)?$/.test(line));
  const opening = /^\s*[rRuU]?("""|\'\'\')/.exec(lines[end + 1] ?? "");
  if (head < 0 || end < 0 || !opening) return undefined;
  const first = end + 1;
  if (lines[first].slice(opening[0].length).includes(opening[1])) return [first, first];
  const last = lines.findIndex((line, n) => n > first && line.includes(opening[1]));
  return last < 0 ? undefined : [first, last];
}

function kindOf({ groups }, previous) {
  if (groups.comment) return "comment";
  if (groups.string || groups.text) return "string";
  if (groups.decorator) return "decorator";
  if (groups.number) return "number";
  if (KEYWORDS.has(groups.word)) return "keyword";
  if (previous === "def" || previous === "class") return "name";
  return groups.word === "self" ? "self" : "";
}
