// What all panes of a report show, read off the page. `level` is the depth in the tree from 1.
() => {
  const text = (element) => element ? element.innerText.trim() : null;
  const one = (what) => document.querySelector(what);
  const current = one("#tree [aria-current]");
  const boxes = [...document.querySelectorAll("#graph .node")].map((node) => {
    const look = getComputedStyle(node.querySelector("path, polygon"));
    return [node.querySelector("text").textContent.trim(),
            {seen: look.strokeDasharray === "none", full: Number(look.fillOpacity),
             active: node.classList.contains("active")}];
  });
  const edges = [...document.querySelectorAll("#graph .edge")].map((edge) => {
    const width = parseFloat(getComputedStyle(edge.querySelector("path")).strokeWidth);
    const dashes = getComputedStyle(edge.querySelector("path")).strokeDasharray;
    return width > 2 ? "making" : dashes !== "none" ? "todo" : "made";
  });
  const marked = (box) => {
    const line = one(`${box} [aria-current=location]`);
    return line && [Number(line.dataset.line), line.textContent.trimEnd()];
  };
  return {
    says: text(one("#now .says")),
    next: text(one("#next span")),
    step: text(one("#now .chip")),
    verb: text(one("#now .verb")),
    name: text(one("#now .call .function")),
    layer: text(one("#now .call .layer")),
    summary: one("#now .summary")?.textContent ?? null,
    facts: [...document.querySelectorAll("#now .facts div")]
      .map((fact) => [...fact.children].map((part) => part.textContent)),
    row: current && {
      name: text(current.querySelector(".function")),
      layer: text(current.querySelector(".layer")),
      level: Number(current.ariaLevel),
      shape: text(current.querySelector(".shape")),
      weights: [...current.querySelectorAll(".weight")].map(text),
      inside: current.getBoundingClientRect().top > one("#tree").getBoundingClientRect().top - 1 &&
        current.getBoundingClientRect().bottom < one("#tree").getBoundingClientRect().bottom + 1,
    },
    rows: Object.fromEntries([...document.querySelectorAll("#tree .row")].map((row) =>
      [row.dataset.row, ["todo", "open", "done"].find((state) => row.classList.contains(state))])),
    stack: [...document.querySelectorAll("#stack .frame")].map((frame) =>
      [text(frame.querySelector(".function")), text(frame.querySelector(".place"))]),
    head: text(one("#source-head .function")),
    source: marked("#source"),
    user: marked("#user"),
    boxes: Object.fromEntries(boxes),
    edges,
    weights: text(one("#weights-sum")),
    count: text(one("#count")),
    slider: Number(one("#slider").value),
    part: text(one("#marks [aria-current]")),
  };
};
