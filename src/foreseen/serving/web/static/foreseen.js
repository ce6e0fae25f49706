// Updates the pages in place through the API; the pages are readable without these scripts.
// This one has what the others share: messages, requests, and parts of pages that are replaced.
"use strict";

const csrfToken = document.querySelector("meta[name=csrf-token]");
const SESSION_ENDED = gettext("Your session has ended. Reload the page, or sign in again");
const NO_SERVER = gettext("The server does not respond; try again in a moment");

// Show a message; `undo` reverts the change.
function announce(text, undo = null) {
  document.getElementById("status").textContent = text;
  const button = document.getElementById("undo");
  button.hidden = !undo;
  button.onclick = undo && (async () => {
    button.hidden = true;
    try { await undo(); } catch (error) { announce(error.message); }
  });
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => {
    document.getElementById("status").textContent = "";
    button.hidden = true;
  }, undo ? 10000 : 5000);
}

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Error(NO_SERVER);
  }
}

async function request(method, path, body, options = {}) {
  const headers = { "X-Foreseen-Form": csrfToken.content };
  if (body && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const response = await send(path, { method, headers, body, ...options });
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({ detail: NO_SERVER }));
  const lost = ["urn:foreseen:not-authenticated", "urn:foreseen:invalid-csrf-token"].includes(problem.type);
  throw new Error(lost ? SESSION_ENDED : problem.detail);
}

// Return an id as a segment of a path; clients remove segments of dots.
function segment(id) {
  return encodeURIComponent(id) + (/^\.\.?$/.test(id) ? "%20" : "");
}

// Create a guest session before the first change, once.
let guest = null;
function ensureSession() {
  if (csrfToken.content) return Promise.resolve();
  guest ??= request("POST", "/api/v1/guests")
    .then((session) => { csrfToken.content = session.formKey; })
    .catch((error) => { guest = null; throw error; });
  return guest;
}

// Replace the content of an element; of several concurrent requests only the latest counts.
const requested = new Map();
async function load(place, path) {
  if (!place) return;
  requested.set(place, path);
  let text;
  try {
    const response = await send(path);
    if (requested.get(place) !== path) return;
    if (!response.ok) throw new Error(response.status === 503 ? NO_SERVER : gettext("This did not work; reload the page"));
    text = await response.text();
  } catch (error) {
    if (requested.get(place) === path) announce(error.message);
    return;
  }
  if (requested.get(place) !== path) return;
  const focused = place.contains(document.activeElement)
    ? [...place.querySelectorAll("li")].findIndex((item) => item.contains(document.activeElement))
    : -1;
  place.innerHTML = text;
  const items = [...place.querySelectorAll("li:not([hidden])")];
  items[Math.min(focused, items.length - 1)]?.querySelector("input, a, button")?.focus();
}

// Replace the address, so that reloading and returning show the same.
function keepAddress(parameters) {
  for (const [name, value] of [...parameters]) if (value === "") parameters.delete(name, value);
  const query = parameters.toString();
  history.replaceState(null, "", query ? `${location.pathname}?${query}` : location.pathname);
}

// Return the address of the part of the page that the current address shows.
function partAddress() {
  const parameters = new URLSearchParams(location.search);
  parameters.set("part", "true");
  return `${location.pathname}?${parameters}`;
}

// Reload what depends on the ratings and lists: the ranking, the top five, the watchlist.
async function refreshRanking() {
  const first = document.getElementById("first");
  if (first) {
    const before = new Set([...first.querySelectorAll("li")].map((item) => item.dataset.movie));
    await load(first, "/top");
    for (const item of first.querySelectorAll("li")) {
      item.classList.toggle("new", !before.has(item.dataset.movie));
    }
  }
  for (const id of ["ranking", "watchlist"]) await load(document.getElementById(id), partAddress());
  keepOwnLists();
}

// Bring the current page into view where the navigation is wider than the screen.
for (const link of document.querySelectorAll("nav [aria-current]")) {
  const bar = link.closest("nav");
  if (bar.scrollWidth > bar.clientWidth) bar.scrollLeft = link.offsetLeft - bar.clientWidth / 2;
}
