// Keys, and a line under the bar while a page is slow. Every key has a button or a link; without this file all still works.
"use strict";
const waiting = { g: false };
const press = (key) => {
  const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!target || target.disabled) return false;
  if (target.matches("input, select, textarea, [data-asks]")) target.focus(); else target.click();
  return true;
};
const toRow = (by) => {
  const rows = [...document.querySelectorAll("main tbody tr, main .day li")].filter((row) => row.querySelector("a[href]"));
  const now = rows.findLastIndex((row) => row.contains(document.activeElement));
  rows[Math.min(Math.max(now + by, 0), rows.length - 1)]?.querySelector("a[href]").focus();
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  if (event.key === " " && event.target.matches("button, summary")) return;
  if (event.key === "Escape") { location.hash = "main"; return; }
  if (event.key === "g") { waiting.g = true; return; }
  const key = waiting.g ? `g ${event.key}` : event.key;
  waiting.g = false;
  if (press(key)) event.preventDefault();
  else if (key === "j" || key === "k") toRow(key === "j" ? 1 : -1);
});
for (const text of document.querySelectorAll("pre[data-copy]")) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "copy", textContent: text.dataset.copy });
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(text);
    try { await navigator.clipboard.writeText(text.textContent); } catch { document.execCommand("copy"); }
    button.textContent = text.dataset.copied;
  });
  text.after(button);
}
const fromLink = document.querySelector("#secret");
if (fromLink && location.hash.startsWith("#mk_")) {
  fromLink.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}
const followed = [...document.querySelectorAll("[data-refresh]")];
const refresh = async () => {
  if (document.hidden || followed.some((part) => part.contains(document.activeElement))) return;
  try {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of followed) {
      const now = fresh.getElementById(part.id);
      part.innerHTML = now?.innerHTML ?? part.innerHTML;
      if (now && !now.dataset.refresh) clearInterval(following);
    }
  } catch { /* The server is away: the page stays as it is. */ }
};
const following = followed.length && setInterval(refresh, 1000 * Number(followed[0].dataset.refresh));
document.addEventListener("submit", () => document.body.classList.add("busy"));
addEventListener("pageshow", () => document.body.classList.remove("busy"));
