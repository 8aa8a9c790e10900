// The panel: its form writes the state, its legend counts what is in view.
"use strict";

import { DEFAULTS, filters, megawatts } from "./address.js";
import { json } from "./canvas.js";

export class Panel {
  constructor(element, config, changed) {
    Object.assign(this, { element, config, changed });
    this.form = element.querySelector("[data-form]");
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", () => this.changed(this.read()));
    // A sheet on a phone, closed so that the map is seen first.
    if (matchMedia("(max-width: 800px)").matches) element.open = false;
    this.suggestion = element.querySelector("[data-suggest]");
    this.suggestion.querySelector("button").addEventListener("click", () => {
      this.form.elements.figure.value = "hosting";
      this.changed(this.read());
    });
  }

  // What the form says, the choices that do not exist for the utility put right.
  read() {
    const given = this.form.elements;
    const found = {
      utility: given.utility.value,
      capacity_type: given.capacity_type.value,
      figure: given.figure.value,
      variant: given.variant.value,
      at_least: megawatts(given.at_least.value),
      constraint: given.constraint.value,
    };
    return { ...found, ...this.possible(found) };
  }

  // A type and a variant that the utility has; what was asked for where nothing is known of it.
  possible({ utility, capacity_type, variant }) {
    const figures = this.config.utilities.find((one) => one.code === utility)?.figures;
    if (!figures) return { capacity_type, variant };
    const type = figures[capacity_type] ? capacity_type : (Object.keys(figures)[0] ?? capacity_type);
    const variants = figures[type] ?? [];
    const first = variants.includes(DEFAULTS.variant) ? DEFAULTS.variant : (variants[0] ?? variant);
    return { capacity_type: type, variant: variants.includes(variant) ? variant : first };
  }

  // Show `state` in the form, and what follows from it beside it.
  show(state) {
    const given = this.form.elements;
    const utility = this.config.utilities.find((one) => one.code === state.utility);
    given.utility.value = utility ? utility.code : "";
    given.capacity_type.value = state.capacity_type;
    given.figure.value = state.figure;
    given.constraint.value = state.constraint;
    if (document.activeElement !== given.at_least) given.at_least.value = state.at_least ?? "";
    const types = utility ? Object.keys(utility.figures) : this.config.types;
    for (const radio of given.capacity_type) radio.disabled = !types.includes(radio.value);
    this.variants(utility?.figures[state.capacity_type] ?? [], state.variant);
    this.element.querySelector("[data-title]").textContent = given.utility.selectedOptions[0].textContent;
    this.element.querySelector("[data-legend-title]").textContent = given.figure[state.figure === "hosting" ? 1 : 0].parentElement.textContent.trim();
  }

  variants(offered, chosen) {
    const select = this.form.elements.variant;
    select.replaceChildren(...(offered.length ? offered : [chosen]).map((one) => new Option(one.replaceAll("-", " ").replaceAll("_", " "), one, false, one === chosen)));
    this.element.querySelector("[data-variants]").hidden = offered.length < 2 && chosen === DEFAULTS.variant;
  }

  // The legend as a histogram of what meets `bounds`, and the table of the same.
  async count(state, bounds) {
    const asked = filters(state);
    asked.set("bbox", box(bounds));
    const table = new URLSearchParams(asked);
    if (state.figure !== DEFAULTS.figure) table.set("figure", state.figure);
    this.element.querySelector("[data-table]").href = `${this.config.addresses.feeders}?${table}`;
    this.counting?.abort();
    this.counting = new AbortController();
    let counted;
    try {
      counted = await json(`${this.config.addresses.counts}?${asked}`, { signal: this.counting.signal });
    } catch (error) {
      // Figures of the view before would pass for this one's.
      if (error.name !== "AbortError") this.empty(this.config.words.not_counted);
      return;
    }
    this.fill(state, counted);
  }

  empty(said) {
    for (const row of this.element.querySelectorAll("[data-class]")) {
      row.querySelector(".bar rect").setAttribute("width", "0");
      row.querySelector("[data-number]").textContent = "";
    }
    this.element.querySelector("[data-counted]").textContent = said;
    this.element.querySelector("[data-count]").textContent = said;
    this.suggestion.hidden = true;
  }

  fill(state, counted) {
    const { words } = this.config;
    const numbers = counted[state.figure];
    const most = Math.max(1, ...Object.values(numbers));
    for (const row of this.element.querySelectorAll("[data-class]")) {
      const number = numbers[row.dataset.class] ?? 0;
      row.querySelector(".bar rect").setAttribute("width", `${(100 * number) / most}%`);
      row.querySelector("[data-number]").textContent = number.toLocaleString();
      row.classList.toggle("none", number === 0);
    }
    const hidden = counted.total - counted.passing;
    const said = [words.in_view.replace("%(passing)s", counted.passing.toLocaleString())];
    if (hidden) said.push(words.hidden.replace("%(hidden)s", hidden.toLocaleString()));
    this.element.querySelector("[data-counted]").textContent = counted.total ? said.join(", ") : words.nothing_in_view;
    this.element.querySelector("[data-count]").textContent = counted.total ? said.join(", ") : "";
    const known = (figure) => ["over_5", "over_2", "over_05", "up_to_05", "zero"].some((name) => counted[figure][name]);
    this.suggestion.hidden = !(state.figure === "remaining" && !known("remaining") && known("hosting"));
    this.suggestion.querySelector("span").textContent = words.unknown_remaining;
  }
}

// west,south,east,north within the world; Leaflet's own goes on beyond the antimeridian.
export function box(bounds) {
  const clamp = (value, most) => Math.min(most, Math.max(-most, value)).toFixed(5);
  return [clamp(bounds.getWest(), 180), clamp(bounds.getSouth(), 85), clamp(bounds.getEast(), 180), clamp(bounds.getNorth(), 85)].join(",");
}
