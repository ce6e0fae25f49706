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
      announce(gettext("Password changed; all other sessions and all API tokens have ended"));
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
  const values = { found: formatted(found.movies.length), added: formatted(found.added), titles: found.missing.join(", ") };
  announce(found.missing.length
    ? gettext("%(found)s found, %(added)s new on your watchlist; not found: %(titles)s", values)
    : gettext("%(found)s found, %(added)s new on your watchlist", values));
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
  add("p", gettext("%(matched)s matched (%(changed)s new or changed), %(ambiguous)s ambiguous, %(missing)s missing, %(invalid)s not valid, %(skipped)s not of a movie.", {
    matched: formatted(report.matched.length),
    changed: formatted(report.changed),
    ambiguous: formatted(ambiguous.length),
    missing: formatted(missing.length),
    invalid: formatted(report.unreadable.length),
    skipped: formatted(report.skipped),
  }));
  const { seen, watchlist } = report.lists;
  if (seen.matched.length + watchlist.matched.length) {
    add("p", gettext("Without a rating: %(seen)s seen (%(newSeen)s new), %(saved)s on the watchlist (%(newSaved)s new).", {
      seen: formatted(seen.matched.length),
      newSeen: formatted(report.added.seen),
      saved: formatted(watchlist.matched.length),
      newSaved: formatted(report.added.watchlist),
    }));
  }
  add("p", gettext("Read as %(service)s, with ratings from %(low)s to %(high)s.", {
    service: report.service,
    low: formatted(report.scale.low),
    high: formatted(report.scale.high),
  }));
  const kinds = Object.entries({ ...report.skippedKinds, ...report.unknownTypes });
  if (kinds.length) {
    add("p", gettext("Other types: %(types)s.", { types: kinds.map(([name, count]) => `${name} ${count}`).join(", ") }));
  }
  if (report.ambiguousDates) {
    const count = report.ambiguousDates;
    add("p", ngettext("%(count)s rating without a date, because its day could be its month.", "%(count)s ratings without a date, because their day could be their month.", count));
  }
  for (const entry of ambiguous) {
    const line = add("p", gettext("Which %(title)s?", entry));
    for (const candidate of entry.candidates) {
      line.append(" ");
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
    add("summary", gettext("Not in the catalogue"), details);
    const list = add("ul", "", details);
    for (const entry of missing) add("li", `${entry.title} (${entry.year ?? "?"})`, list);
  }
  for (const entry of report.unreadable) add("p", gettext("Line %(line)s: %(reason)s", entry));
  const link = add("a", gettext("Show your ranking"));
  link.href = "/";
}

// Return a title with its article in front, as on the other pages.
function articleFirst(title) {
  return title.replace(/^(.+), (the|an?|l[eao]s?|el|il|die|der|das|den|det|une?|[lg]l?i)(?= \(|$)/i, "$2 $1");
}
