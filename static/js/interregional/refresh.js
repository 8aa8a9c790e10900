// Keeps the page's present current without a reload: asks for the part that changes, says its age in between.
"use strict";
(() => {
  const now = document.getElementById("now");
  if (!now) return;
  const EVERY = 60_000, STALE_AFTER = 15;  // ms, minutes
  let tag = null;

  function minutesOld() {
    const line = now.querySelector("[data-moment]");
    return line ? Math.max(0, (Date.now() - Date.parse(line.dataset.moment)) / 60_000) : null;
  }

  function sayAge() {
    const old = minutesOld();
    if (old === null) return;
    const minutes = Math.floor(old), isStale = old > STALE_AFTER;
    const line = now.querySelector("[data-moment]");
    const ago = minutes < 1 ? "just now"
      : minutes < 60 ? `${minutes} min ago`
      : minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ago`
      : `${Math.floor(minutes / 1440).toLocaleString("en-US")} days ago`;
    const said = line.querySelector("[data-ago]");
    if (said.textContent !== ago) said.textContent = ago;
    line.classList.toggle("stale", isStale);
    line.querySelector(".stale-words").hidden = !isStale;
  }

  function replaceWith(html) {
    const open = [...now.querySelectorAll("details[data-keep][open]")].map((part) => part.dataset.keep);
    const focused = document.activeElement?.closest("details[data-keep]")?.dataset.keep;
    now.innerHTML = html;
    for (const keep of open) now.querySelector(`details[data-keep="${keep}"]`)?.setAttribute("open", "");
    if (focused) now.querySelector(`details[data-keep="${focused}"] > summary`)?.focus({ preventScroll: true });
  }

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(now.dataset.refresh, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (answer.ok) {
        tag = answer.headers.get("ETag");
        const before = now.querySelector("[data-moment]")?.dataset.moment;
        replaceWith(await answer.text());
        const after = now.querySelector("[data-moment]")?.dataset.moment;
        if (before !== after) document.dispatchEvent(new CustomEvent("flows-changed"));
      }
    } catch { /* the age goes on growing, and says it */ }
    sayAge();
  }

  setInterval(refresh, EVERY);
  setInterval(sayAge, 15_000);
  document.addEventListener("visibilitychange", refresh);
  sayAge();
})();
