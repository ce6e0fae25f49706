// The ranking with its filters, the lists of movies, and the buttons.
"use strict";

// The slider: weights the standardised score of the predicted rating and of the likelihood.
function balance() {
  const slider = document.querySelector("[data-balance]");
  const list = document.querySelector("#ranking .ranking");
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

// Show how many choices of a group of chips are made.
function showChosen(group) {
  const count = group.querySelectorAll("input:checked:not([value=''])").length;
  const shown = group.querySelector("summary b") ?? document.createElement("b");
  shown.textContent = formatted(count);
  if (count) group.querySelector("summary").append(shown);
  else shown.remove();
}

const filters = document.querySelector("[data-filters]");
if (filters) {
  const keep = () => {
    const parameters = new URLSearchParams(new FormData(filters));
    if (parameters.get("balance") === "0") parameters.delete("balance");
    const shown = new URLSearchParams(location.search).get("shown");
    if (shown) parameters.set("shown", shown);
    keepAddress(parameters);
  };
  filters.addEventListener("input", (event) => {
    if (event.target.matches("[data-balance]")) balance();
  });
  filters.addEventListener("change", async (event) => {
    keep();
    if (event.target.matches("[data-balance]")) return;
    showChosen(event.target.closest("details"));
    const active = filters.querySelector("input:checked:not([value=''])") !== null;
    const rows = document.getElementById("rows");
    rows.hidden = active;
    if (!active && !rows.querySelector("section")) location.reload();
    else await load(document.getElementById("ranking"), partAddress());
  });
  filters.addEventListener("submit", (event) => event.preventDefault());
}

// Search while typing; the address keeps the words.
for (const search of document.querySelectorAll("[data-search]")) {
  let timer;
  const update = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      keepAddress(new URLSearchParams(new FormData(search)));
      load(document.getElementById(search.dataset.search), partAddress());
    }, 200);
  };
  search.addEventListener("input", update);
  search.addEventListener("submit", (event) => { event.preventDefault(); update(); });
}

// Lists of movies: each change names the movie and can be undone.
const LISTS = {
  watchlist: (on, title) => (on ? gettext("Saved %(title)s for later", { title }) : gettext("Removed %(title)s from your watchlist", { title })),
  seen: (on, title) => (on ? gettext("Marked %(title)s as seen; it is not recommended again", { title }) : gettext("%(title)s is no longer marked as seen", { title })),
  dismissed: (on, title) => (on ? gettext("%(title)s is not recommended again", { title }) : gettext("%(title)s may be recommended again", { title })),
  unseen: (on, title) => (on ? gettext("You have not seen %(title)s", { title }) : gettext("%(title)s may be offered again", { title })),
};

async function setListed(list, movie, title, isOn, isUndo = false) {
  await ensureSession();
  await request(isOn ? "PUT" : "DELETE", `/api/v1/me/${list}/${segment(movie)}`);
  const undo = isUndo ? null : () => setListed(list, movie, title, !isOn, true);
  announce(LISTS[list](isOn, title), undo);
  for (const button of document.querySelectorAll(`[data-list="${list}"]`)) {
    if (button.dataset.movie === movie) press(button, isOn);
  }
  const grid = document.getElementById("grid");
  if (list === "unseen" && grid) await load(grid, partAddress());
  else if (list !== "unseen") await refreshRanking();
}

function press(button, isOn) {
  button.setAttribute("aria-pressed", String(isOn));
  button.textContent = isOn ? button.dataset.on : button.dataset.off;
}

// Wait until the server uses the updated model, so that the page shows its numbers.
async function reloadWith(expected) {
  for (let n = 0; n < 60; n += 1) {
    const status = await request("GET", "/api/v1/model").catch(() => ({}));
    if (Object.entries(expected).every(([name, value]) => status[name] === value)) break;
    await new Promise((done) => { setTimeout(done, 500); });
  }
  location.reload();
}

const actions = {
  "[data-list]": (button) => {
    const { list, movie, title } = button.dataset;
    return setListed(list, movie, title, button.getAttribute("aria-pressed") !== "true");
  },
  "[data-remove]": async (button) => {
    const { remove, movie, title } = button.dataset;
    await setListed(remove, movie, title, false);
    button.closest("li").remove();
  },
  "[data-sign-out]": async () => { forgetOwnLists(); await request("DELETE", "/api/v1/session"); location.assign("/"); },
  "[data-delete-me]": async () => {
    if (!confirm(gettext("Delete your ratings and all other data stored about you? This cannot be undone."))) return;
    forgetOwnLists();
    await request("DELETE", "/api/v1/me");
    location.assign("/");
  },
  "[data-delete-token]": async (button) => {
    await request("DELETE", `/api/v1/me/tokens/${button.dataset.deleteToken}`);
    button.closest("li").remove();
  },
  "[data-promote]": async (button) => {
    const version = Number(button.dataset.promote);
    if (!confirm(gettext("Make version %(version)s the current one?", { version }))) return;
    await reloadWith(await request("POST", "/api/v1/model/promote", { version }));
  },
  "[data-rollback]": async () => {
    if (!confirm(gettext("Return to the version that was current before?"))) return;
    await reloadWith(await request("POST", "/api/v1/model/rollback"));
  },
  "[data-update]": async (button) => {
    const bar = document.getElementById("updating");
    const decision = document.getElementById("decision");
    button.disabled = true;
    bar.hidden = false;
    decision.textContent = gettext("Updating; training a challenger may take minutes.");
    const start = Date.now();
    const elapsed = document.getElementById("elapsed");
    const timer = setInterval(() => { elapsed.textContent = `${Math.round((Date.now() - start) / 1000)} s`; }, 1000);
    try {
      const update = await request("POST", "/api/v1/model/update");
      decision.textContent = ngettext("%(count)s rating given here is in the model; %(decision)s.", "%(count)s ratings given here are in the model; %(decision)s.", update.observed, update);
      sessionStorage.setItem("decision", decision.textContent);
      await reloadWith({ current: update.version, ratings: update.ratings });
    } catch (error) {
      decision.textContent = error.message;
    } finally {
      clearInterval(timer);
      elapsed.textContent = "";
      button.disabled = false;
      bar.hidden = true;
    }
  },
  ".unrate": (button) => rate(button.closest(".stars"), null, 0),
  "[data-part]": (link) => {
    keepAddress(new URLSearchParams(new URL(link.href).search));
    return load(document.getElementById(link.dataset.part), partAddress());
  },
  "[data-more]": (link) => {
    const parameters = new URLSearchParams(location.search);
    parameters.set("shown", link.dataset.more);
    keepAddress(parameters);
    return load(document.getElementById("ranking"), partAddress());
  },
};
document.addEventListener("click", async (event) => {
  for (const [selector, act] of Object.entries(actions)) {
    const button = event.target.closest(selector);
    if (!button) continue;
    if (button.matches("a")) event.preventDefault();
    try { await act(button); } catch (error) { announce(error.message); }
  }
});

const decision = document.getElementById("decision");
if (decision) {
  decision.textContent = sessionStorage.getItem("decision") ?? "";
  sessionStorage.removeItem("decision");
}
