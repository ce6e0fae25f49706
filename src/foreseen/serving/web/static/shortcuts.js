// Keyboard shortcuts of single characters, which can be turned off.
"use strict";

const SHORTCUTS_OFF = "foreseen shortcuts off";
const help = document.getElementById("shortcuts");
const useShortcuts = document.getElementById("use-shortcuts");
const openHelp = document.querySelector("[data-shortcuts]");

function moveToMovie(step) {
  const links = [...document.querySelectorAll(".card:not([hidden]) h2 a, .grid .title, .rated .title")];
  const current = links.findIndex((link) => link.closest("li").contains(document.activeElement));
  links[current < 0 ? (step > 0 ? 0 : links.length - 1) : current + step]?.focus();
}

const shortcuts = {
  "?": () => help.showModal(),
  "/": () => {
    const search = document.querySelector("main input[type=search]");
    if (search) search.focus(); else location.assign("/rate#search");
  },
  f: () => location.assign("/"),
  r: () => location.assign("/rate"),
  w: () => location.assign("/watchlist"),
  t: () => location.assign("/together"),
  m: () => location.assign("/me"),
  j: () => moveToMovie(1),
  k: () => moveToMovie(-1),
  s: () => document.activeElement.closest("li")?.querySelector("[data-list=watchlist]")?.click(),
  z: () => { const undo = document.getElementById("undo"); if (!undo.hidden) undo.click(); },
};

document.addEventListener("keydown", (event) => {
  const act = shortcuts[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key !== "j" && event.key !== "k") return;
  if (!useShortcuts.checked || help.open || event.target.closest("input, select, textarea, [contenteditable]")) return;
  event.preventDefault();
  act();
});

useShortcuts.checked = localStorage.getItem(SHORTCUTS_OFF) === null;
useShortcuts.addEventListener("change", () => {
  if (useShortcuts.checked) localStorage.removeItem(SHORTCUTS_OFF);
  else localStorage.setItem(SHORTCUTS_OFF, "yes");
});
openHelp.hidden = false;
openHelp.addEventListener("click", () => help.showModal());
if (location.hash === "#search") document.querySelector("main input[type=search]")?.focus();
