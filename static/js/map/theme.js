// Colours of the theme in force, from the tokens of static/css/tokens.css.
"use strict";

const TOKENS = ["cap-1", "cap-2", "cap-3", "cap-4", "cap-unknown", "map-land", "map-water", "map-line", "map-label", "ink", "paper", "accent"];

// Token to a colour that WebGL's style knows. A custom property is handed out as written, light-dark() and all;
// only a real property is resolved.
export function colours() {
  const probe = document.body.appendChild(document.createElement("i"));
  const found = {};
  for (const token of TOKENS) {
    probe.style.color = `var(--${token})`;
    found[token] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

export function whenThemeChanges(act) {
  new MutationObserver(act).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", act);
}
