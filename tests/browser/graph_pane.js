// What the graph pane shows at the page's position, read off the page.
() => {
  const pane = document.querySelector("#graph").getBoundingClientRect();
  const part = (element) => {
    const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
    return { left: left - pane.left, top: top - pane.top, right: right - pane.left, bottom: bottom - pane.top, width, height };
  };
  const strength = (element) => {
    let all = 1;
    for (let at = element; at && at.id !== "graph"; at = at.parentElement) all *= Number(getComputedStyle(at).opacity);
    return all;
  };
  const nameOf = (node) => node.querySelector("text").textContent.trim();
  const nodes = [...document.querySelectorAll("#graph .node")];
  const rows = nodes.flatMap((node) => {
    const own = [...node.querySelectorAll("[data-row].active")];
    return own.length ? own : node.classList.contains("active") ? [node] : [];
  });
  return {
    pane: { width: pane.width, height: pane.height },
    picture: part(document.querySelector("#graph svg")),
    names: nodes.map(nameOf),
    ghosts: nodes.filter((node) => node.classList.contains("ghost")).map(nameOf),
    boxes: nodes.map(part),
    current: rows.map((row) => ({ ...part(row), text: row.textContent.trim() })),
    weights: nodes.flatMap((node) => [...node.querySelectorAll("[data-weight]")]
      .filter((element) => element.querySelector("text") && strength(element) > 0.9)
      .map((element) => [nameOf(node), element.querySelector("text").textContent.trim()])),
    areas: [...document.querySelectorAll("#graph [data-weight]")]
      .filter((element) => element.querySelector("polygon") && strength(element) > 0.9)
      .map((element) => part(element.querySelector("polygon"))),
  };
};
