// Updates the pages in place through the API; the pages are readable without this script.
"use strict";

const csrfToken = document.querySelector("meta[name=csrf-token]");

function announce(text) {
  const place = document.getElementById("status");
  place.textContent = text;
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => { place.textContent = ""; }, 4000);
}

async function request(method, path, body, options = {}) {
  const headers = { "X-Foreseen-Form": csrfToken.content };
  if (body && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const response = await fetch(path, { method, headers, body, ...options });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({ detail: "the server is unavailable" }));
    throw new Error(problem.detail);
  }
  return response.status === 204 ? null : response.json();
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
  const response = await fetch(path);
  const text = await response.text();
  if (!response.ok || requested.get(place) !== path) return;
  const focused = [...place.children].length && place.contains(document.activeElement)
    ? [...place.querySelectorAll("li")].findIndex((item) => item.contains(document.activeElement))
    : -1;
  place.innerHTML = text;
  const items = [...place.querySelectorAll("li:not([hidden])")];
  items[Math.min(focused, items.length - 1)]?.querySelector("input, a, button")?.focus();
}

// Star ratings

// A rating is a number on the scale of the input, null without one.
function show(stars, value) {
  const input = stars.querySelector("input");
  const rated = value !== null;
  if (!rated) input.value = input.min;
  const low = Number(input.min);
  const half = rated ? 1 + Math.round(9 * (value - low) / (Number(input.max) - low)) : 0;
  stars.querySelector(".fill").className = `fill f${half}`;
  stars.querySelector("output").textContent = rated ? String(value) : "–";
  stars.querySelector(".unrate").hidden = !rated;
  input.setAttribute("aria-valuetext", rated ? `${value} ${input.dataset.unit}` : "not rated");
  input.toggleAttribute("data-empty", !rated);
}

const pending = new Map();

function rate(stars, value, delay = 250) {
  const movie = stars.dataset.movie;
  show(stars, value);
  clearTimeout(pending.get(movie)?.timer);
  const save = async (options) => {
    clearTimeout(pending.get(movie)?.timer);
    pending.delete(movie);
    try {
      await ensureSession();
      const path = `/api/v1/me/ratings/${segment(movie)}`;
      if (value !== null) await request("PUT", path, { rating: value }, options);
      else await request("DELETE", path, null, options);
      stars.dataset.saved = JSON.stringify(value);
      if (options) return;
      announce(value !== null ? `Rated ${value}` : "Rating deleted");
      await refreshRanking();
    } catch (error) {
      show(stars, JSON.parse(stars.dataset.saved));
      announce(`Not saved: ${error.message}`);
    }
  };
  // Arrow keys pass through the values between: save only the last one.
  pending.set(movie, { save, timer: setTimeout(() => save(), delay) });
}

addEventListener("pagehide", () => {
  for (const { save } of pending.values()) save({ keepalive: true });
});

// Reload what depends on the ratings: the ranking, or the top five beside the grid.
async function refreshRanking() {
  const first = document.getElementById("first");
  if (first) {
    const before = new Set([...first.querySelectorAll("li")].map((item) => item.dataset.movie));
    await load(first, "/top");
    for (const item of first.querySelectorAll("li")) {
      item.classList.toggle("new", !before.has(item.dataset.movie));
    }
  }
  const ranking = document.getElementById("ranking");
  if (ranking) {
    await load(ranking, filteredPath());
    balance();
  }
}

document.addEventListener("input", (event) => {
  if (event.target.closest(".stars")) show(event.target.closest(".stars"), Number(event.target.value));
  if (event.target.matches("[data-balance]")) balance();
});
let byKey = false;
document.addEventListener("change", (event) => {
  const stars = event.target.closest(".stars");
  if (stars) rate(stars, Number(event.target.value), byKey ? 1500 : 250);
});
// A press on the initial position of the hidden thumb fires no change event: it means half a star.
document.addEventListener("pointerdown", () => { byKey = false; });
document.addEventListener("pointerup", (event) => {
  if (event.button !== 0) return;
  const input = event.target.closest && event.target.closest(".stars input[data-empty]");
  if (input && input.value === input.min) rate(input.closest(".stars"), Number(input.min));
});
document.addEventListener("keydown", (event) => {
  byKey = true;
  const input = event.target.closest && event.target.closest(".stars input");
  if (!input) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    rate(input.closest(".stars"), Number(input.value));
  }
  if ((event.key === "Delete" || event.key === "Backspace") && !input.hasAttribute("data-empty")) {
    rate(input.closest(".stars"), null);
  }
});

// The slider: weights the standardised score of the predicted rating and of the likelihood.

function balance() {
  const slider = document.querySelector("[data-balance]");
  const list = document.querySelector(".ranking");
  if (!slider || !list) return;
  const weight = Number(slider.value) / 100;
  const cards = [...list.querySelectorAll(".card")];
  const standardise = (read) => {
    const values = cards.map(read);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) || 1;
    return values.map((value) => (value - mean) / deviation);
  };
  const rating = standardise((card) => Number(card.dataset.score));
  const likely = standardise((card) => Math.log(Number(card.dataset.likely) + 1e-9));
  const score = new Map(cards.map((card, n) => [card, (1 - weight) * rating[n] + weight * likely[n]]));
  cards.sort((one, other) => score.get(other) - score.get(one));
  cards.forEach((card, n) => {
    card.hidden = n >= Number(list.dataset.shown);
    list.append(card);
  });
}

function filteredPath() {
  const form = document.querySelector("[data-filters]");
  const parameters = new URLSearchParams(new FormData(form));
  history.replaceState(null, "", `/?${parameters}`);
  parameters.set("part", "true");
  return `/?${parameters}`;
}

const filters = document.querySelector("[data-filters]");
if (filters) {
  filters.addEventListener("change", async (event) => {
    if (event.target.matches("[data-balance]") || !filters.checkValidity()) return;
    await load(document.getElementById("ranking"), filteredPath());
    balance();
  });
  filters.addEventListener("submit", (event) => event.preventDefault());
}

// Search while typing

const search = document.querySelector("[data-search]");
if (search) {
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const parameters = new URLSearchParams(new FormData(search));
      parameters.set("part", "true");
      load(document.getElementById("grid"), `/rate?${parameters}`);
    }, 200);
  });
}

// Buttons

const actions = {
  "[data-sign-out]": async () => { await request("DELETE", "/api/v1/session"); location.assign("/"); },
  "[data-delete-me]": async () => {
    if (!confirm("Delete your ratings and all other data stored about you? This cannot be undone.")) return;
    await request("DELETE", "/api/v1/me");
    location.assign("/");
  },
  "[data-delete-token]": async (button) => {
    await request("DELETE", `/api/v1/me/tokens/${button.dataset.deleteToken}`);
    button.closest("li").remove();
  },
  "[data-promote]": async (button) => {
    await request("POST", "/api/v1/model/promote", { version: Number(button.dataset.promote) });
    location.reload();
  },
  "[data-rollback]": async () => { await request("POST", "/api/v1/model/rollback"); location.reload(); },
  "[data-update]": async () => {
    announce("Updating; training a challenger may take minutes");
    const update = await request("POST", "/api/v1/model/update");
    announce(update.decision);
    setTimeout(() => location.reload(), 2500);
  },
  "[data-undismiss]": async (button) => {
    await request("DELETE", `/api/v1/me/dismissed/${segment(button.dataset.undismiss)}`);
    button.closest("li").remove();
    announce("It may be recommended again");
  },
  ".unrate": (button) => rate(button.closest(".stars"), null),
  ".dismiss": async (button) => {
    const card = button.closest("[data-movie]");
    await ensureSession();
    await request("PUT", `/api/v1/me/dismissed/${segment(card.dataset.movie)}`);
    announce("It will not be recommended again");
    await refreshRanking();
  },
};
document.addEventListener("click", async (event) => {
  for (const [selector, act] of Object.entries(actions)) {
    const button = event.target.closest(selector);
    if (!button) continue;
    try { await act(button); } catch (error) { announce(error.message); }
  }
});

// Forms that are sent to the API

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-account], [data-import], [data-token], [data-password]")) return;
  event.preventDefault();
  const error = form.querySelector(".error");
  if (error) error.textContent = "";
  try {
    const data = new FormData(form);
    if (form.dataset.account) {
      await request("POST", form.dataset.account, Object.fromEntries(data));
      location.assign(form.dataset.next);
    } else if (form.matches("[data-password]")) {
      await request("PUT", "/api/v1/me/password", { old: data.get("old"), new: data.get("new") });
      form.reset();
      announce("Password changed; all other sessions and all API tokens have ended");
    } else if (form.matches("[data-token]")) {
      const created = await request("POST", "/api/v1/me/tokens", Object.fromEntries(data));
      document.getElementById("token").textContent = created.token;
    } else {
      await ensureSession();
      form.choices = [];
      await importFile(form, data);
    }
  } catch (problem) {
    if (error) error.textContent = problem.message; else announce(problem.message);
  }
});

async function importFile(form, data) {
  const query = new URLSearchParams(form.choices.map((pair) => ["choose", pair]));
  for (const name of ["from", "columns", "scale"]) {
    if (data.get(name)) query.set(name, data.get(name));
  }
  const body = new FormData();
  body.set("file", data.get("file"));
  const report = await request("POST", `/api/v1/me/imports?${query}`, body);
  const place = document.getElementById("report");
  place.replaceChildren();
  const add = (tag, text, parent = place) => {
    const element = document.createElement(tag);
    element.textContent = text;
    parent.append(element);
    return element;
  };
  add("p", `${report.matched.length} matched (${report.changed} new or changed), ` +
    `${report.ambiguous.length} ambiguous, ${report.missing.length} missing, ` +
    `${report.unreadable.length} not valid, ${report.skipped} not of a movie.`);
  add("p", `Read as ${report.service}, with ratings from ${report.scale.low} to ` +
    `${report.scale.high}.`);
  const kinds = Object.entries({ ...report.skippedKinds, ...report.unknownTypes });
  if (kinds.length) {
    add("p", `Other types: ${kinds.map(([name, count]) => `${name} ${count}`).join(", ")}.`);
  }
  if (report.ambiguousDates) {
    add("p", `${report.ambiguousDates} without a date, because its day could be its month.`);
  }
  for (const entry of report.ambiguous) {
    const line = add("p", `Which ${entry.title}? `);
    for (const candidate of entry.candidates) {
      const button = add("button", `${candidate.title} (${candidate.year ?? "?"})`, line);
      button.type = "button";
      button.addEventListener("click", () => {
        form.choices.push(`${entry.line}:${candidate.movieId}`);
        importFile(form, data);
      });
    }
  }
  if (report.missing.length) {
    const details = add("details", "");
    add("summary", "Not in the catalogue", details);
    const list = add("ul", "", details);
    for (const entry of report.missing) add("li", `${entry.title} (${entry.year ?? "?"})`, list);
  }
  for (const entry of report.unreadable) add("p", `Line ${entry.line}: ${entry.reason}`);
  const link = add("a", "Show your ranking");
  link.href = "/";
}
