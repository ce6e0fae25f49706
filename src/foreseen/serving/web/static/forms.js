// Forms that are sent to the API.
"use strict";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-account], [data-import], [data-token], [data-password], [data-titles]")) return;
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
    } else if (form.matches("[data-titles]")) {
      await ensureSession();
      await addTitles(form, data);
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

async function addTitles(form, data) {
  const found = await request("POST", "/api/v1/me/watchlist/titles", { text: data.get("text") });
  form.querySelector("textarea").value = found.missing.join("\n");
  const missing = found.missing.length ? `; not found: ${found.missing.join(", ")}` : "";
  announce(`${found.movies.length} found, ${found.added} new on your watchlist${missing}`);
  await refreshRanking();
}

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
  const parts = [report, report.lists.seen, report.lists.watchlist];
  const ambiguous = parts.flatMap((part) => part.ambiguous);
  const missing = parts.flatMap((part) => part.missing);
  add("p", `${report.matched.length} matched (${report.changed} new or changed), ` +
    `${ambiguous.length} ambiguous, ${missing.length} missing, ` +
    `${report.unreadable.length} not valid, ${report.skipped} not of a movie.`);
  const { seen, watchlist } = report.lists;
  if (seen.matched.length + watchlist.matched.length) {
    add("p", `Without a rating: ${seen.matched.length} seen (${report.added.seen} new), ` +
      `${watchlist.matched.length} on the watchlist (${report.added.watchlist} new).`);
  }
  add("p", `Read as ${report.service}, with ratings from ${report.scale.low} to ` +
    `${report.scale.high}.`);
  const kinds = Object.entries({ ...report.skippedKinds, ...report.unknownTypes });
  if (kinds.length) {
    add("p", `Other types: ${kinds.map(([name, count]) => `${name} ${count}`).join(", ")}.`);
  }
  if (report.ambiguousDates) {
    add("p", `${report.ambiguousDates} without a date, because its day could be its month.`);
  }
  for (const entry of ambiguous) {
    const line = add("p", `Which ${entry.title}? `);
    for (const candidate of entry.candidates) {
      const button = add("button", `${articleFirst(candidate.title)} (${candidate.year ?? "?"})`, line);
      button.type = "button";
      button.addEventListener("click", () => {
        form.choices.push(`${entry.line}:${candidate.movieId}`);
        importFile(form, data);
      });
    }
  }
  if (missing.length) {
    const details = add("details", "");
    add("summary", "Not in the catalogue", details);
    const list = add("ul", "", details);
    for (const entry of missing) add("li", `${entry.title} (${entry.year ?? "?"})`, list);
  }
  for (const entry of report.unreadable) add("p", `Line ${entry.line}: ${entry.reason}`);
  const link = add("a", "Show your ranking");
  link.href = "/";
}

// Return a title with its article in front, as on the other pages.
function articleFirst(title) {
  return title.replace(/^(.+), (the|an?|l[eao]s?|el|il|die|der|das|den|det|une?|[lg]l?i)(?= \(|$)/i, "$2 $1");
}
