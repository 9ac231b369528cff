"""The pages of docs/: their place in the site, links, public names, examples and tutorials."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

import recbole_showcase
from docs_site.navigation import PAGES, completed, named_pages
from recbole_showcase import metrics

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MARKDOWN = sorted(path for path in DOCS.rglob("*") if path.name.endswith(PAGES))
NOTEBOOKS = [path for path in MARKDOWN if path.suffix == ".ipynb"]
MADE = DOCS / "index.md"  # of README.md


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def markdown_of(path: Path) -> str:
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    return "\n\n".join("".join(cell["source"]) for cell in cells(path, "markdown"))


def tokens(path: Path) -> Iterator[Any]:
    for token in MarkdownIt("commonmark").enable("table").parse(markdown_of(path)):
        yield token
        yield from token.children or ()


def anchors(path: Path) -> set[str]:
    """Of the headings, as GitHub and the site have them."""
    found, heading = set(), False
    for token in tokens(path):
        if heading and token.type == "inline":
            words = "".join(part.content for part in token.children or ())
            found.add(re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", words.lower())))
        heading = token.type == "heading_open"
    return found


def broken_links(path: Path) -> list[str]:
    hrefs = [str(token.attrGet("href")) for token in tokens(path) if token.type == "link_open"]
    broken = []
    for href in hrefs:
        if re.match(r"\w+:", href):
            continue
        name, _, anchor = href.partition("#")
        target = (path.parent / name).resolve() if name else path
        known = not anchor or (target.suffix in PAGES and anchor in anchors(target))
        if not target.exists() or not known:
            broken.append(href)
    return broken


def settings() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", ROOT / "CHANGELOG.md", *MARKDOWN], ids=lambda path: path.name
)
def test_links_lead_somewhere(path: Path) -> None:
    assert broken_links(path) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A title, here\n\n[a](#a-title-here) [b](#gone) [c](gone.md) `[d](gone.md)`\n"
    )
    assert broken_links(page) == ["#gone", "gone.md"]


def test_every_page_is_in_the_navigation_once() -> None:
    named = named_pages(completed(settings()["nav"], DOCS))
    assert sorted(named) == sorted(path.relative_to(DOCS).as_posix() for path in [MADE, *MARKDOWN])


def test_a_page_that_no_group_names_is_found_at_the_end(tmp_path: Path) -> None:
    for name in ("a.md", "new.md", "style.css"):
        (tmp_path / name).touch()
    assert completed([{"Start": "a.md"}], tmp_path) == [{"Start": "a.md"}, {"More": ["new.md"]}]


def test_every_public_name_is_in_the_reference() -> None:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").iterdir())
    shown = set(re.findall(r"^::: ([\w.]+)$", pages, re.MULTILINE))
    public = {f"recbole_showcase.{name}" for name in recbole_showcase.__all__}
    assert len(public) > 5 and public <= shown


def test_every_metric_is_in_the_reference() -> None:
    """Their module stands for all but functions that have the name of a file of its folder."""
    page = (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")
    shown = re.findall(r"^::: recbole_showcase\.metrics([\w.]*)$", page, re.MULTILINE)
    folder = ROOT / "recbole_showcase" / "metrics"
    hidden = [name for name in metrics.__all__ if (folder / f"{name}.py").is_file()]
    assert "" in shown and {f".{name}.{name}" for name in hidden} == set(shown) - {""}


def test_examples_by_hand_are_what_the_code_computes() -> None:
    page = doctest.testfile(str(DOCS / "figures.md"), module_relative=False, encoding="utf-8")
    assert page.attempted > 20 and page.failed == 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_tutorials_were_executed(path: Path) -> None:
    """By `make tutorials`: all cells in order, without an error, and telling of no machine."""
    found = cells(path, "code")
    assert [cell["execution_count"] for cell in found] == list(range(1, len(found) + 1))
    outputs = [output for cell in found for output in cell["outputs"]]
    kinds = {output["output_type"] for output in outputs}
    assert outputs and kinds <= {"stream", "display_data", "execute_result"}
    assert not re.search(r"(?<![\w.~])/(tmp|home|root|usr|opt|work|Users)/", json.dumps(outputs))
