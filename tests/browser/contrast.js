// The texts of a report that stand out too little from their ground, with their contrast.
() => {
  const number = (color) => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = number(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  const wanted = "#now *, #next *, #failure *, #line *, #by *, .pane-head *, .row.current *, .row.done .layer, .row.open .function, .frame *, .code li, .mark, .env, .drawer summary *, .banner *, #card *, #changes *, #rows td, #rows td *, #rows th *, .count";
  for (const element of document.querySelectorAll(wanted)) {
    if (!element.textContent.trim() || element.children.length || element.disabled) continue;
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    const under = ground(element), over = number(getComputedStyle(element).color);
    const mixed = over.map((c, n) => c * opacity + under[n] * (1 - opacity));
    const [a, b] = [light(mixed), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push([element.className, element.textContent.slice(0, 30), ratio]);
  }
  return low;
};
