// The card of the chosen feeder or cell: a piece of page that the server writes.
"use strict";

export class Card {
  constructor(element, config, closed) {
    Object.assign(this, { element, config, closed, asked: 0 });
    element.addEventListener("click", (event) => {
      if (event.target.closest("[data-close]")) this.close();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !element.hidden) this.close();
    });
  }

  // Show what `which` names ({feeder}, {feeder_id} or {record}); gives the card's own data, or null where there
  // is no such thing or another was asked for meanwhile.
  async show(which, state, { focus = false } = {}) {
    const asked = (this.asked += 1);
    const query = new URLSearchParams({ ...which, capacity_type: state.capacity_type, variant: state.variant, figure: state.figure });
    let text = "";
    try {
      const answer = await fetch(`${this.config.addresses.card}?${query}`);
      text = answer.ok || answer.status === 404 ? await answer.text() : "";
    } catch {
      // no network: said below
    }
    if (asked !== this.asked) return null;
    if (text) this.element.innerHTML = text;
    else this.element.replaceChildren(Object.assign(document.createElement("p"), { textContent: this.config.words.card_failed }));
    const close = Object.assign(document.createElement("button"), { type: "button", className: "close", textContent: "×" });
    close.dataset.close = "";
    close.setAttribute("aria-label", this.config.words.close);
    this.element.prepend(close);
    this.element.hidden = false;
    if (focus) this.element.focus({ preventScroll: true });
    return this.element.querySelector("article")?.dataset ?? null;
  }

  // What was asked for and has not come is not wanted any more.
  drop() {
    this.asked += 1;
  }

  close() {
    this.drop();
    this.element.hidden = true;
    this.element.replaceChildren();
    this.closed();
  }
}
