// One small script: everything it changes goes through the API, and the pages read without it.
"use strict";

const formKey = document.querySelector("meta[name=form-key]");

function say(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { place.textContent = ""; }, 4000);
}

async function ask(method, path, body, more = {}) {
  const headers = { "X-Foreseen-Form": formKey.content };
  if (body && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const response = await fetch(path, { method, headers, body, ...more });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({ detail: "the server does not answer" }));
    throw new Error(problem.detail);
  }
  return response.status === 204 ? null : response.json();
}

// A guest is made when there is something to keep, once.
let guest = null;
function session() {
  if (formKey.content) return Promise.resolve();
  guest ??= ask("POST", "/api/v1/guests")
    .then((made) => { formKey.content = made.formKey; })
    .catch((error) => { guest = null; throw error; });
  return guest;
}

// Of several answers for one place only that to the latest question is shown.
const asked = new Map();
async function put(place, path) {
  if (!place) return;
  asked.set(place, path);
  const response = await fetch(path);
  const text = await response.text();
  if (!response.ok || asked.get(place) !== path) return;
  const focused = [...place.children].length && place.contains(document.activeElement)
    ? [...place.querySelectorAll("li")].findIndex((item) => item.contains(document.activeElement))
    : -1;
  place.innerHTML = text;
  const items = [...place.querySelectorAll("li:not([hidden])")];
  items[Math.min(focused, items.length - 1)]?.querySelector("input, a, button")?.focus();
}

// Stars

function show(stars, value) {
  const input = stars.querySelector("input");
  if (!value) input.value = input.min;
  stars.querySelector(".fill").className = `fill f${Math.round(value * 2)}`;
  stars.querySelector("output").textContent = value ? String(value) : "–";
  stars.querySelector(".unrate").hidden = !value;
  input.setAttribute("aria-valuetext", value ? `${value} stars` : "not rated");
  input.toggleAttribute("data-empty", !value);
}

const waiting = new Map();

function rate(stars, value, pause = 250) {
  const movie = stars.dataset.movie;
  show(stars, value);
  clearTimeout(waiting.get(movie)?.timer);
  const keep = async (more) => {
    clearTimeout(waiting.get(movie)?.timer);
    waiting.delete(movie);
    const before = Number(stars.dataset.kept ?? stars.querySelector("input").defaultValue);
    try {
      await session();
      const path = `/api/v1/me/ratings/${movie}`;
      if (value) await ask("PUT", path, { rating: value }, more);
      else await ask("DELETE", path, null, more);
      stars.dataset.kept = value;
      if (more) return;
      say(value ? `Rated ${value}` : "Rating taken back");
      await moved();
    } catch (error) {
      show(stars, stars.dataset.kept === undefined && before === 0.5 ? 0 : before);
      say(`Not kept: ${error.message}`);
    }
  };
  // Arrow keys pass through the values between: only where they stop is kept.
  waiting.set(movie, { keep, timer: setTimeout(() => keep(), pause) });
}

addEventListener("pagehide", () => {
  for (const { keep } of waiting.values()) keep({ keepalive: true });
});

// What a rating moves: the ranking, or its first five beside the grid.
async function moved() {
  const first = document.getElementById("first");
  if (first) {
    const before = new Set([...first.querySelectorAll("li")].map((item) => item.dataset.movie));
    await put(first, "/top");
    for (const item of first.querySelectorAll("li")) {
      item.classList.toggle("new", !before.has(item.dataset.movie));
    }
  }
  const ranking = document.getElementById("ranking");
  if (ranking) {
    await put(ranking, filtered());
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
// A press where the hidden thumb stands already changes nothing by itself: half a star is meant.
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
    rate(input.closest(".stars"), 0);
  }
});

// The slider: between the order by predicted rating and that by likelihood, at once.

function balance() {
  const slider = document.querySelector("[data-balance]");
  const list = document.querySelector(".ranking");
  if (!slider || !list) return;
  const weight = Number(slider.value) / 100;
  const cards = [...list.querySelectorAll(".card")];
  const level = (read) => {
    const values = cards.map(read);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const spread = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) || 1;
    return values.map((value) => (value - mean) / spread);
  };
  const worth = level((card) => Number(card.dataset.worth));
  const likely = level((card) => Math.log(Number(card.dataset.likely) + 1e-9));
  const score = new Map(cards.map((card, n) => [card, (1 - weight) * worth[n] + weight * likely[n]]));
  cards.sort((one, other) => score.get(other) - score.get(one));
  cards.forEach((card, n) => {
    card.hidden = n >= Number(list.dataset.shown);
    list.append(card);
  });
}

function filtered() {
  const form = document.querySelector("[data-filters]");
  const wanted = new URLSearchParams(new FormData(form));
  history.replaceState(null, "", `/?${wanted}`);
  wanted.set("part", "true");
  return `/?${wanted}`;
}

const filters = document.querySelector("[data-filters]");
if (filters) {
  filters.addEventListener("change", async (event) => {
    if (event.target.matches("[data-balance]") || !filters.checkValidity()) return;
    await put(document.getElementById("ranking"), filtered());
    balance();
  });
  filters.addEventListener("submit", (event) => event.preventDefault());
}

// The search: while one types.

const search = document.querySelector("[data-search]");
if (search) {
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const wanted = new URLSearchParams(new FormData(search));
      wanted.set("part", "true");
      put(document.getElementById("grid"), `/rate?${wanted}`);
    }, 200);
  });
}

// Buttons

const actions = {
  "[data-sign-out]": async () => { await ask("DELETE", "/api/v1/session"); location.assign("/"); },
  "[data-delete-me]": async () => {
    if (!confirm("Delete all your ratings and all else that is kept of you? This cannot be undone.")) return;
    await ask("DELETE", "/api/v1/me");
    location.assign("/");
  },
  "[data-delete-token]": async (button) => {
    await ask("DELETE", `/api/v1/me/tokens/${button.dataset.deleteToken}`);
    button.closest("li").remove();
  },
  "[data-promote]": async (button) => {
    await ask("POST", "/api/v1/model/promote", { version: Number(button.dataset.promote) });
    location.reload();
  },
  "[data-rollback]": async () => { await ask("POST", "/api/v1/model/rollback"); location.reload(); },
  "[data-update]": async () => {
    say("Looking for drift; this may take minutes if a challenger is trained");
    const done = await ask("POST", "/api/v1/model/update");
    say(done.decision);
    setTimeout(() => location.reload(), 2500);
  },
  "[data-undismiss]": async (button) => {
    await ask("DELETE", `/api/v1/me/dismissed/${button.dataset.undismiss}`);
    button.closest("li").remove();
    say("It may be shown again");
  },
  ".unrate": (button) => rate(button.closest(".stars"), 0),
  ".dismiss": async (button) => {
    const card = button.closest("[data-movie]");
    await session();
    await ask("PUT", `/api/v1/me/dismissed/${card.dataset.movie}`);
    say("It will not be shown again");
    await moved();
  },
};
document.addEventListener("click", async (event) => {
  for (const [selector, act] of Object.entries(actions)) {
    const button = event.target.closest(selector);
    if (!button) continue;
    try { await act(button); } catch (error) { say(error.message); }
  }
});

// Forms that talk to the API

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-account], [data-import], [data-token], [data-password]")) return;
  event.preventDefault();
  const error = form.querySelector(".error");
  if (error) error.textContent = "";
  try {
    const given = new FormData(form);
    if (form.dataset.account) {
      await ask("POST", form.dataset.account, Object.fromEntries(given));
      location.assign(form.dataset.then);
    } else if (form.matches("[data-password]")) {
      await ask("PUT", "/api/v1/me/password", { old: given.get("old"), new: given.get("new") });
      form.reset();
      say("The password is changed; all other sessions have ended");
    } else if (form.matches("[data-token]")) {
      const made = await ask("POST", "/api/v1/me/tokens", Object.fromEntries(given));
      document.getElementById("token").textContent = made.token;
    } else {
      await session();
      form.chosen = [];
      await importFile(form, given);
    }
  } catch (problem) {
    if (error) error.textContent = problem.message; else say(problem.message);
  }
});

async function importFile(form, given) {
  const service = given.get("from");
  const chosen = form.chosen.map((pair) => `&choose=${pair}`).join("");
  const body = new FormData();
  body.set("file", given.get("file"));
  const report = await ask("POST", `/api/v1/me/imports?from=${service}${chosen}`, body);
  const place = document.getElementById("report");
  place.replaceChildren();
  const add = (kind, text, parent = place) => {
    const element = document.createElement(kind);
    element.textContent = text;
    parent.append(element);
    return element;
  };
  add("p", `${report.matched.length} matched (${report.changed} new or changed), ` +
    `${report.ambiguous.length} ambiguous, ${report.missing.length} missing, ` +
    `${report.unreadable.length} unreadable.`);
  for (const entry of report.ambiguous) {
    const line = add("p", `Which ${entry.title}? `);
    for (const candidate of entry.candidates) {
      const button = add("button", `${candidate.title} (${candidate.year ?? "?"})`, line);
      button.type = "button";
      button.addEventListener("click", () => {
        form.chosen.push(`${entry.line}:${candidate.movieId}`);
        importFile(form, given);
      });
    }
  }
  if (report.missing.length) {
    const details = add("details", "");
    add("summary", "What the catalogue does not have", details);
    const list = add("ul", "", details);
    for (const entry of report.missing) add("li", `${entry.title} (${entry.year ?? "?"})`, list);
  }
  for (const entry of report.unreadable) add("p", `Line ${entry.line}: ${entry.reason}`);
  const all = add("a", "See your ranking");
  all.href = "/";
}
