"""Where people rate and see: the store, the API and the web page."""
