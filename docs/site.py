"""Hooks of mkdocs: add pages of the repository that lie outside of docs/, and check that the site needs no network."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Pages outside of docs/ that the site has too, by their path in the repository."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that stand outside of docs/."""
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links, which are those of the repository, at the site's own pages; a file that it lacks stays as a name."""
    place = page.file.src_uri
    source = next((source for source, name in OUTSIDE.items() if name == place), f"docs/{place}")

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match["text"], match["target"], match["anchor"] or ""
        if "://" in target:
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        name = OUTSIDE.get(path, path.removeprefix("docs/") if path.startswith("docs/") else "")
        return f"[{text}]({posixpath.relpath(name, posixpath.dirname(place) or '.')}{anchor})" if name else text

    return re.sub(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)", link, markdown)


def on_post_build(config: Any) -> None:
    """Refuse a site that loads anything from another server when it is read."""
    loads = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
    for page in sorted(Path(config.site_dir).rglob("*.html")):
        if match := loads.search(page.read_text(encoding="utf-8")):
            raise PluginError(f"{page}: loads from the network: {match[0]}")
