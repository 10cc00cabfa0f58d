// The keys of the page: those that no pane has taken.

import { byId } from "./dom.mjs";

export function pressed(page, event) {
  const { target, key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  if (target.closest("input:not([type=range]), select, textarea, dialog")) return;
  const direction = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (direction) page.step(direction, page.byBeats && !event.shiftKey);
  else if (key === "." || key === ",") page.over(key === "." ? 1 : -1);
  else if (key === "Home") page.move(0);
  else if (key === "End") page.move(page.timeline.length);
  else if (key === " " && !target.closest("button, summary, a, [role=button]")) page.bar.toggle();
  else if (key === "/") byId("search").focus();
  else if (key === "?") byId("keys").showModal();
  else if (key.toLowerCase() === "p") page.hall.toggle();
  else return;
  if (![" ", "?", "p", "P"].includes(key)) page.bar.stop();
  event.preventDefault();
}
