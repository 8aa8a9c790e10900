// Keeps the progress of a trial or run fresh: asks for that part of the page every second, takes over the text
// of each element with an id, and loads the page anew once it has ended. Without this script the page reloads
// itself every few seconds (its noscript part).
"use strict";
(() => {
  const live = document.querySelector("[data-live][data-open]");
  if (!live) return;
  const SECOND = 1000;
  let pause = SECOND;

  const takeOver = (fresh) => {
    for (const element of fresh.querySelectorAll("[id]")) {
      const shown = document.getElementById(element.id);
      if (!shown) continue;
      if (element.matches("progress")) {
        for (const name of ["max", "value"]) {
          if (element.hasAttribute(name)) shown.setAttribute(name, element.getAttribute(name));
        }
      } else if (shown.textContent !== element.textContent) {
        shown.textContent = element.textContent;
      }
    }
  };

  const ask = async () => {
    try {
      const answer = await fetch(live.dataset.live, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.querySelector("[data-open]")) return window.location.reload();
      takeOver(page);
      pause = SECOND;
    } catch {
      pause = Math.min(pause * 2, 15 * SECOND);
      document.getElementById("progress-hint").textContent = live.dataset.unreachable || "";
    }
    window.setTimeout(ask, document.hidden ? 5 * SECOND : pause);
  };
  window.setTimeout(ask, pause);
})();
