"""The web application: the store, the HTTP API and the pages."""
