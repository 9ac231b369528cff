"""The pages of docs/: their place in the site, links, public names, examples and tutorials."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from docs_site.navigation import PAGES, completed, named_pages
from recbole_showcase import metrics
from recbole_showcase.recommenders import RECOMMENDERS

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


def in_the_reference() -> list[str]:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").iterdir())
    return re.findall(r"^::: ([\w.]+)$", pages, re.MULTILINE)


ROOMS = (
    *("", ".atomic", ".benchmark", ".distillation", ".download", ".encoders", ".engines"),
    *(".gallery", ".judging", ".offline", ".serving", ".testing"),
)


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_in_the_reference(room: str) -> None:
    module = import_module(f"recbole_showcase{room}")
    public = {f"{module.__name__}.{name}" for name in module.__all__}
    assert len(public) > 1 and public - set(in_the_reference()) == set()


def test_every_recommender_is_in_the_reference() -> None:
    """Under the module that has it, since the room imports none."""
    public = {f"{module}.{name}" for name, module in RECOMMENDERS.items()}
    assert public and public <= set(in_the_reference())


def test_the_reference_names_what_is_there_and_once() -> None:
    shown = in_the_reference()
    assert len(shown) == len(set(shown))
    rooms = {name.rpartition(".")[0] for name in shown}
    modules = {room: import_module(room) for room in rooms}
    missing = [
        name for name in shown if not hasattr(modules[name.rpartition(".")[0]], name.split(".")[-1])
    ]
    assert missing == []


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


NO_METRICS = {  # headings of results that name axes, data sets, models, counts and commands
    *("", "explainer", "base", "selection", "variant", "relevance", "negatives", "stock BPR"),
    *("ShowcaseBPR", "equal texts, by words alone", "after training", "Gijón", "Barcelona"),
    *("Madrid", "data and encoder", "test pairs", "clip", "learned", "what", "command", "figure"),
}


def plain_name(name: str) -> str:
    """``BLEU-4``, ``BLEU4 ↑`` and ``BLEU1`` are one figure, and ``demo: NDCG@10`` is NDCG."""
    return re.sub(r"@\d*|[\W_]", "", name.rpartition(": ")[2]).lower().rstrip("0123456789")


def headings_of(path: Path) -> set[str]:
    """Of the columns of tables."""
    found, heading = set(), False
    for token in tokens(path):
        if heading and token.type == "inline":
            found.add(token.content)
        heading = token.type == "th_open"
    return found


def explained_figures() -> set[str]:
    page = (DOCS / "figures.md").read_text(encoding="utf-8")
    return {plain_name(name) for name in re.findall(r"\*\*(.+?)\*\*", page, re.DOTALL)}


def test_figures_of_results_are_explained() -> None:
    """Short names of photo figures, such as F1, stand in a table that says what it is of."""
    named = headings_of(DOCS / "results.md")
    assert named >= NO_METRICS, "headings that are left out are there"
    known = explained_figures()
    asked = {name: plain_name(name) for name in named - NO_METRICS}
    assert len(asked) > 20
    assert {n for n, own in asked.items() if not known & {own, f"image{own}"}} == set()


def test_columns_of_benchmarks_are_explained() -> None:
    specs = sorted((ROOT / "examples" / "benchmarks").glob("*.yaml"))
    columns = [yaml.safe_load(path.read_text(encoding="utf-8"))["columns"] for path in specs]
    assert len(columns) > 5
    named = {name for own in columns for name in own}
    assert {name for name in named if plain_name(name) not in explained_figures()} == set()


def test_every_metric_is_explained() -> None:
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    table = page.partition("| name in RecBole |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", " ".join(row.split("|")[1] for row in table.splitlines()[2:]))
    assert len(named) > 50
    assert {name for name in named if plain_name(name) not in explained_figures()} == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_tutorials_were_executed(path: Path) -> None:
    """By `make tutorials`: all cells in order, without an error, and telling of no machine."""
    found = cells(path, "code")
    assert [cell["execution_count"] for cell in found] == list(range(1, len(found) + 1))
    outputs = [output for cell in found for output in cell["outputs"]]
    kinds = {output["output_type"] for output in outputs}
    assert outputs and kinds <= {"stream", "display_data", "execute_result"}
    assert not re.search(r"(?<![\w.~])/(tmp|home|root|usr|opt|work|Users)/", json.dumps(outputs))
