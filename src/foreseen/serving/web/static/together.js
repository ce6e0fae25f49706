// Several people on one device: guests and their ratings are kept in this browser only.
"use strict";

const KEY = "foreseen guests";
const MOST_GUESTS = 4;
let guests = JSON.parse(localStorage.getItem(KEY) ?? "[]");
let current = null;

function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function keepGuests() {
  localStorage.setItem(KEY, JSON.stringify(guests));
  showPeople();
}

function showPeople() {
  const place = document.getElementById("people");
  place.replaceChildren(element("li", gettext("You")));
  guests.forEach((person, number) => {
    const count = person.ratings.length;
    const item = element("li", `${person.name} `);
    item.append(element("small", ngettext("%(count)s rating", "%(count)s ratings", count)));
    const rating = element("button", gettext("Rate films"), { type: "button", class: "quiet", "aria-label": gettext("Rate films as %(name)s", person) });
    rating.addEventListener("click", () => openGuest(number));
    const remove = element("button", gettext("Remove"), { type: "button", class: "quiet", "aria-label": gettext("Remove %(name)s", person) });
    remove.addEventListener("click", () => {
      const removed = guests.splice(number, 1);
      keepGuests();
      showGroup();
      announce(gettext("Removed %(name)s", person), () => { guests.splice(number, 0, ...removed); keepGuests(); showGroup(); });
    });
    item.append(" ", rating, " ", remove);
    place.append(item);
  });
  document.querySelector("[data-guest]").hidden = guests.length >= MOST_GUESTS;
}

async function openGuest(number) {
  current = number;
  document.getElementById("guest").hidden = false;
  document.getElementById("together").hidden = true;
  const heading = document.getElementById("guest-heading");
  heading.textContent = gettext("%(name)s, rate what you have seen", guests[number]);
  document.querySelector("[data-guest-search]").reset();
  await loadGuestGrid("");
  heading.focus();
}

async function loadGuestGrid(query) {
  const grid = document.getElementById("guest-grid");
  await load(grid, `/together?${new URLSearchParams({ part: "true", query })}`);
  for (const { movieId, rating } of guests[current].ratings) {
    for (const stars of grid.querySelectorAll(".stars")) {
      if (stars.dataset.movie !== String(movieId)) continue;
      show(stars, rating);
      stars.querySelector("input").value = rating;
    }
  }
}

// Store a rating of the current guest; called in place of a rating of the user.
function rateAsGuest(stars, value) {
  show(stars, value);
  const person = guests[current];
  const { movie, title } = stars.dataset;
  person.ratings = person.ratings.filter((entry) => String(entry.movieId) !== movie);
  const movieId = JSON.parse(stars.dataset.id);
  if (value !== null) person.ratings.push({ movieId, rating: value });
  const { name } = person;
  announce(value !== null
    ? gettext("%(name)s rated %(title)s %(rating)s", { name, title, rating: formatted(value) })
    : gettext("Deleted the rating of %(title)s by %(name)s", { name, title }));
  keepGuests();
}

// Return the covers of movies, in their order.
async function loadCovers(movies) {
  if (!movies.length) return [];
  const response = await send(`/together/covers?${new URLSearchParams(movies.map((movie) => ["movie", movie]))}`);
  if (!response.ok) throw new Error(NO_SERVER);
  const parsed = document.createElement("template");
  parsed.innerHTML = await response.text();
  return [...parsed.content.children];
}

async function showGroup() {
  const section = document.getElementById("together");
  section.hidden = !guests.length;
  if (!guests.length) return;
  const how = document.querySelector("[name=how]:checked").value;
  try {
    await ensureSession();
    const found = await request("POST", "/api/v1/me/together", { guests, how, k: 12 });
    const covers = await loadCovers(found.map((entry) => entry.movieId));
    document.getElementById("group").replaceChildren(...found.map((entry, number) => {
      const item = element("li", "", { class: "card", "data-movie": entry.movieId });
      const body = element("div", "", { class: "body" });
      const heading = element("h3");
      heading.append(element("a", entry.title, { href: `/film/${segment(String(entry.movieId))}` }), " ", element("small", entry.year ?? ""));
      const people = element("p", "", { class: "group-people" });
      for (const { name, prediction, reason } of entry.people) {
        const part = element("span", `${name === "you" ? gettext("You") : name} `);
        part.append(element("strong", formatted(prediction, 1)));
        if (reason) {
          const values = { title: reason.title, rating: formatted(reason.rating), effect: formatted(reason.effect, 1) };
          part.append(" ", element("small", gettext("%(rating)s for %(title)s raises it by %(effect)s", values)));
        }
        people.append(part, " ");
      }
      body.append(heading, people, element("p", entry.genres.map((name) => GENRES[name] ?? name).join(", "), { class: "genres" }));
      item.append(covers[number], body);
      return item;
    }));
  } catch (error) {
    announce(error.message);
  }
}

document.querySelector("[data-guest]").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = new FormData(event.target).get("name").trim();
  if (!name) return;
  event.target.reset();
  guests.push({ name, ratings: [] });
  keepGuests();
  openGuest(guests.length - 1);
});
document.querySelector("[data-guest-search]").addEventListener("submit", (event) => event.preventDefault());
document.querySelector("[data-guest-search]").addEventListener("input", (event) => {
  clearTimeout(loadGuestGrid.timer);
  loadGuestGrid.timer = setTimeout(() => loadGuestGrid(event.target.value), 200);
});
document.getElementById("guest-done").addEventListener("click", () => {
  document.getElementById("guest").hidden = true;
  showGroup();
});
for (const input of document.querySelectorAll("[name=how]")) input.addEventListener("change", showGroup);
showPeople();
showGroup();
