// The user's own lists in this browser, to read without a connection, and the service worker.
// The copy belongs to one user: pages of another user, or without one, delete it.
"use strict";

const OWN_LISTS = "foreseen own lists";
const owner = document.querySelector("meta[name=owner]");

function ownLists() {
  try { return JSON.parse(localStorage.getItem(OWN_LISTS)) ?? {}; } catch { return {}; }
}

function forgetOwnLists() {
  localStorage.removeItem(OWN_LISTS);
}

// Keep the list that the page shows: the ranking without filters, or the watchlist.
function keepOwnLists() {
  if (!owner) return;
  if (!owner.content || ownLists().owner !== owner.content) forgetOwnLists();
  const name = { "/": "ranking", "/watchlist": "watchlist" }[location.pathname];
  if (!owner.content || !name || location.search) return;
  const movies = [...document.querySelectorAll(`#${name} .card:not([hidden])`)].map((card) => ({
    title: card.dataset.title,
    year: card.querySelector("h2 small")?.textContent ?? "",
    prediction: card.querySelector(".predicted strong")?.textContent ?? "",
  }));
  const lists = { ...ownLists(), owner: owner.content, [name]: { at: Date.now(), movies } };
  try { localStorage.setItem(OWN_LISTS, JSON.stringify(lists)); } catch { forgetOwnLists(); }
}

// Fill the page that the service worker shows without a connection.
function showOwnLists(place) {
  const lists = ownLists();
  for (const section of place.querySelectorAll("[data-own]")) {
    const list = lists[section.dataset.own];
    section.hidden = !list?.movies.length;
    if (section.hidden) continue;
    place.querySelector("[data-no-lists]").hidden = true;
    section.querySelector("time").textContent = new Date(list.at).toLocaleString(LANGUAGE);
    section.querySelector("ol").replaceChildren(...list.movies.map(({ title, year, prediction }) => {
      const item = document.createElement("li");
      const name = document.createElement("span");
      const value = document.createElement("strong");
      name.textContent = `${title} ${year}`;
      value.textContent = prediction;
      item.append(name, " ", value);
      return item;
    }));
  }
}

keepOwnLists();
const offline = document.getElementById("own-lists");
if (offline) {
  showOwnLists(offline);
  addEventListener("online", () => location.reload());
}
navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
