// The texts of the graph pane that stand out too little from what is behind them.
() => {
  const number = (color) => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const over = (color, alpha, ground) => color.map((c, n) => c * alpha + ground[n] * (1 - alpha));
  const light = (color) => {
    const [r, g, b] = color.map((c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const opacity = (element) => {
    let all = 1;
    for (let at = element; at && at.id !== "graph"; at = at.parentElement) all *= Number(getComputedStyle(at).opacity);
    return all;
  };
  const inside = (inner, outer) => {
    const [a, b] = [inner.getBoundingClientRect(), outer.getBoundingClientRect()];
    const [x, y] = [(a.left + a.right) / 2, (a.top + a.bottom) / 2];
    return b.left <= x && x <= b.right && b.top <= y && y <= b.bottom;
  };
  const pane = number(getComputedStyle(document.querySelector("#pane-graph")).backgroundColor);
  const frames = [...document.querySelectorAll("#graph .cluster")];
  const low = [];
  let seen = 0;
  for (const text of document.querySelectorAll("#graph text")) {
    if (!text.textContent.trim() || opacity(text) < 0.05) continue;
    seen += 1;
    let ground = pane;
    for (const frame of frames) {
      if (inside(text, frame)) ground = number(getComputedStyle(frame.querySelector("path, polygon")).fill);
    }
    const own = opacity(text);
    const box = text.closest(".node");
    let behind = ground;
    if (box) {
      const whole = [...box.querySelectorAll("path, polygon")].find((one) => !one.closest("[data-row], [data-weight]"));
      const layers = [whole, text.closest("[data-row]")?.querySelector("polygon")];
      for (const shape of layers.filter(Boolean)) {
        const { fill, fillOpacity } = getComputedStyle(shape);
        if (fill !== "none") behind = over(number(fill), Number(fillOpacity) * opacity(shape), behind);
      }
    }
    const color = over(number(getComputedStyle(text).fill), own, behind);
    const [a, b] = [light(color), light(behind)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push([text.textContent.trim(), getComputedStyle(text).fill, behind.map(Math.round).join(), ratio.toFixed(2)]);
  }
  return { seen, low };
};
