// What the page of two builds shows at its current row, read off the page.
() => {
  const text = (element) => element ? element.innerText.trim() : null;
  const box = document.querySelector("#rows");
  const line = box.querySelector("tr[aria-current]");
  const inside = (element) => {
    const [outer, inner] = [box.getBoundingClientRect(), element.getBoundingClientRect()];
    const head = box.querySelector("thead").getBoundingClientRect();
    return inner.top > head.bottom - 1 && inner.bottom < outer.bottom + 1;
  };
  const marked = [0, 1].map((side) => [...box.querySelectorAll("tr[data-state]")]
    .map((row) => row.cells[2 * side])
    .filter((cell) => cell.dataset.at)
    .map((cell) => [text(cell.querySelector("code")), cell.dataset.at]));
  return {
    row: line.id,
    fold: text(line.querySelector("button")),
    sign: text(line.querySelector(".sign [aria-hidden]")),
    cells: [...line.cells].map((cell) => text(cell.querySelector("code, a"))),
    depths: [...line.cells].map((cell) => Number(cell.dataset.depth ?? 0)),
    inside: inside(line),
    marked,
    means: text(document.querySelector("#card .means b")),
    differs: [...document.querySelectorAll("#card .differs div")].map((fact) =>
      [fact.children[0].textContent, fact.children[1].textContent]),
    sides: [...document.querySelectorAll("#card .side")].map((side) => ({
      build: text(side.querySelector("small")),
      how: side.dataset.how,
      name: text(side.querySelector(".function")),
      layer: text(side.querySelector(".layer")),
      says: side.querySelector(".says")?.textContent ?? null,
      alone: side.querySelector(".alone")?.textContent ?? null,
      line: side.querySelector(".code li")?.textContent ?? null,
    })),
    count: text(document.querySelector("#count")),
    slider: Number(document.querySelector("#slider").value),
  };
}
