// Ratings by stars.
"use strict";

// A rating is a number on the scale of the input, null without one.
function show(stars, value) {
  const input = stars.querySelector("input");
  const rated = value !== null;
  if (!rated) input.value = input.min;
  const low = Number(input.min);
  const half = rated ? 1 + Math.round(9 * (value - low) / (Number(input.max) - low)) : 0;
  stars.querySelector(".fill").className = `fill f${half}`;
  stars.querySelector("output").textContent = rated ? formatted(value) : "–";
  stars.querySelector(".unrate").hidden = !rated;
  input.setAttribute("aria-valuetext", rated ? `${formatted(value)} ${input.dataset.unit}` : gettext("not rated"));
  input.toggleAttribute("data-empty", !rated);
}

const pending = new Map();

// Store a rating and say so; `undo` restores the one before.
async function saveRating(movie, value, options) {
  await ensureSession();
  const path = `/api/v1/me/ratings/${segment(movie)}`;
  if (value !== null) await request("PUT", path, { rating: value }, options);
  else await request("DELETE", path, null, options);
  for (const stars of document.querySelectorAll(".stars")) {
    if (stars.dataset.movie !== movie) continue;
    stars.dataset.saved = JSON.stringify(value);
    show(stars, value);
    if (value !== null) stars.querySelector("input").value = value;
  }
}

function ratedText(title, value) {
  if (value === null) return gettext("Deleted your rating of %(title)s", { title });
  return gettext("Rated %(title)s %(rating)s", { title, rating: formatted(value) });
}

function rate(stars, value, delay = 250) {
  if (stars.closest("#guest-grid")) {
    rateAsGuest(stars, value);
    return;
  }
  const { movie, title } = stars.dataset;
  show(stars, value);
  clearTimeout(pending.get(movie)?.timer);
  const save = async (options) => {
    clearTimeout(pending.get(movie)?.timer);
    pending.delete(movie);
    const before = JSON.parse(stars.dataset.saved);
    try {
      await saveRating(movie, value, options);
      if (options) return;
      announce(ratedText(title, value), async () => {
        await saveRating(movie, before);
        announce(ratedText(title, before));
        await refreshRanking();
      });
      await refreshRanking();
    } catch (error) {
      show(stars, before);
      announce(gettext("Not saved: %(reason)s", { reason: error.message }));
    }
  };
  // Arrow keys pass through the values between: save only the last one.
  pending.set(movie, { save, timer: setTimeout(() => save(), delay) });
}

addEventListener("pagehide", () => {
  for (const { save } of pending.values()) save({ keepalive: true });
});

document.addEventListener("input", (event) => {
  const stars = event.target.closest(".stars");
  if (stars) show(stars, Number(event.target.value));
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
