"""Add the generated pages to the documentation site: a hook that MkDocs loads (see mkdocs.yml)."""

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
# Alembic loads these by path; no code imports them.
_EXCLUDED = "foreseen.serving.store.migrations"
# Pages of the site that are files of the repository's root.
_ROOT_PAGES = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}


def public_modules() -> dict[str, str]:
    """Return the page of each public module, by the module's dotted name."""
    pages: dict[str, str] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        parts = file.relative_to(SOURCE).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        is_private = any(part.startswith("_") for part in name.split("."))
        if not is_private and not name.startswith(_EXCLUDED):
            path = name.replace(".", "/")
            pages[name] = f"api/{path}/index.md" if is_package else f"api/{path}.md"
    return pages


def navigation(pages: dict[str, str], package: str) -> list[Any]:
    """Return the navigation entries of a package: its own page, then its members."""
    entries: list[Any] = [pages[package]]
    for name, page in pages.items():
        parent, _, label = name.rpartition(".")
        if parent == package:
            is_package = page.endswith("index.md")
            entries.append({label: navigation(pages, name) if is_package else page})
    return entries


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Append the API reference to the navigation."""
    if config.nav is not None:
        config.nav.append({"API reference": navigation(public_modules(), "foreseen")})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each public module and the pages kept in the repository's root."""
    for name, page in public_modules().items():
        files.append(File.generated(config, page, content=f"# `{name}`\n\n::: {name}\n"))
    for page, source in _ROOT_PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    return files
