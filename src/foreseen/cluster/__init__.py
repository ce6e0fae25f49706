"""Tasks on a Ray cluster; Ray is imported only when one is used."""
