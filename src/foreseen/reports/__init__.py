"""Reports: self-contained HTML pages with interactive charts, and a page that lists them."""
