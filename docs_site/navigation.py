"""The navigation of the site: groups of ``mkdocs.yml``, and what stands in none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGES = (".md", ".ipynb")


def named_pages(nav: Any) -> list[str]:
    """The pages that a navigation names, in its order.

    >>> named_pages([{"Start": "index.md"}, {"Inside": ["a.md", {"B": "b.md"}]}])
    ['index.md', 'a.md', 'b.md']
    """
    if isinstance(nav, str):
        return [nav]
    inner = nav.values() if isinstance(nav, dict) else nav
    return [name for entry in inner for name in named_pages(entry)]


def completed(nav: list[Any], docs: Path) -> list[Any]:
    """A navigation with the pages of a folder that it does not name at its end, under "More".

    Args:
        nav: As MkDocs has it: names of pages, or a mapping of a title to a name or more of these.
        docs: The folder of pages.
    """
    named = set(named_pages(nav))
    found = sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*"))
    others = [name for name in found if name.endswith(PAGES) and name not in named]
    return [*nav, {"More": others}] if others else nav


def as_markdown(nav: Any) -> Any:
    """A navigation in which notebooks have the name of the page that is made of them."""
    if isinstance(nav, str):
        return markdown_name(nav)
    if isinstance(nav, dict):
        return {title: as_markdown(entry) for title, entry in nav.items()}
    return [as_markdown(entry) for entry in nav]


def markdown_name(name: str) -> str:
    """``first-run.md`` of ``first-run.ipynb``."""
    return name.removesuffix(".ipynb") + ".md" if name.endswith(".ipynb") else name
