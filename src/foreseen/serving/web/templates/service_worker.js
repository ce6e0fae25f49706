// Requests for pages go to the server; without a connection the response is a page that is the same
// for everyone. Neither pages nor responses of the API are kept, so nobody gets those of another.
"use strict";

const CACHE = "foreseen {{ static_version }}";
const OFFLINE = "/offline";
const FILES = {{ files|tojson }};

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([OFFLINE, ...FILES])));
});

addEventListener("activate", (event) => {
  const remove = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await clients.claim();
  };
  event.waitUntil(remove());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, search } = new URL(request.url);
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE)));
  } else if (FILES.includes(pathname + search)) {
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  }
});
