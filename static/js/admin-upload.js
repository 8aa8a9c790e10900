// The form of monthly files: a file that is too large is refused before it is sent, and a click while files are
// on their way sends them once. Without this script the server says the same.
"use strict";
(() => {
  const form = document.querySelector("form[data-upload]");
  if (!form) return;
  const most = Number(form.dataset.most);

  form.addEventListener("change", (event) => {
    const input = event.target;
    if (input.type !== "file") return;
    const tooLarge = [...input.files].some((file) => file.size > most);
    input.setCustomValidity(tooLarge ? form.dataset.tooLarge : "");
    input.reportValidity();
  });

  form.addEventListener("submit", () => {
    const button = form.querySelector("button.button");
    button.textContent = form.dataset.sending;
    button.disabled = true;
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload(); // came back by the browser's button
  });
})();
