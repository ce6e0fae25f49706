// Texts, numbers and dates in the language of the page. The script before this one has the
// translations of the texts and the rule for the plural; texts without one are English.
"use strict";

const LANGUAGE = document.documentElement.lang;

function insert(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}

function gettext(text, values = {}) {
  return insert(TRANSLATIONS[text]?.[0] ?? text, values);
}

function ngettext(one, many, count, values = {}) {
  const form = pluralForm(count);
  return insert(TRANSLATIONS[one]?.[form] ?? [one, many][form], { count: formatted(count), ...values });
}

function formatted(number, digits = null) {
  const options = digits === null ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return Number(number).toLocaleString(LANGUAGE, options);
}

// Choosing a language keeps the address, which scripts may have changed.
for (const link of document.querySelectorAll("[data-language]")) {
  link.addEventListener("click", () => {
    const parameters = new URLSearchParams(location.search);
    parameters.set("lang", link.dataset.language);
    link.href = `${location.pathname}?${parameters}`;
  });
}
