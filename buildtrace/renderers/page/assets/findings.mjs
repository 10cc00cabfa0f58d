// The panel of findings: going to the calls that prove one, and copying what is to be done.

import { make } from "./dom.mjs";

const SAID = 1500; // milliseconds that a button says what it did

/** The findings that each call proves, by call. */
export function findingsByCall(findings) {
  const found = new Map();
  findings.forEach((finding, number) => {
    for (const call of finding.calls) found.set(call, [...(found.get(call) ?? []), { ...finding, number }]);
  });
  return found;
}

/** What is wrong here, by code. */
export function findingBadges(findings) {
  return firsts(findings).map(({ code, severity }) =>
    make("span.badge", { "data-severity": severity }, code),
  );
}

/** The same, leading to where the first finding of a code is told. */
export function findingButtons(findings) {
  return firsts(findings).map(({ code, severity, number, message }) => {
    const look = { "data-severity": severity, title: message };
    return make("button.badge", { type: "button", "data-find": number, ...look }, code);
  });
}

function firsts(findings = []) {
  return findings.filter(({ code }, n) => findings.findIndex((other) => other.code === code) === n);
}

export function listenToFindings(page, root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.find) page.find(Number(button.dataset.find));
    else if (button.dataset.go) page.go(Number(button.dataset.go), button.dataset.end === "1");
    else if ("copy" in button.dataset) copy(button, button.parentElement.querySelector("pre"));
  });
}

/** Copy the text of an element; where the clipboard is out of reach, select it. */
async function copy(button, element) {
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(element.textContent);
  } catch {
    // Not on every page that lies on a disk, and never in a frame that may do nothing else.
    getSelection().selectAllChildren(element);
    if (!document.execCommand("copy")) said = "Selected";
  }
  button.textContent = said;
  setTimeout(() => (button.textContent = "Copy"), SAID);
}
