"""Ctrl-C and SIGTERM in the middle of a gallery leave the page as it was."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.interrupts import interrupted

# The recommender stands for one behind a checkpoint; the page and its writing are our own.
_GALLERY = """
import sys, time, types
from pathlib import Path
import jinja2.environment
from recbole_showcase.showcase import UserShowcase
from recbole_showcase.cli import main

where = sys.argv.pop(1)

def slow(here):
    if here == where:
        print("begun", flush=True)
        time.sleep(60)

class Recommender:
    model_name, dataset_name, test_result, test_basis = "ShowcaseBPR", "demo", {}, None
    data_folder = Path("DATA/NAME")

    def user_showcases(self, users, top_k, n_users, unknown):
        slow("explaining")
        return [UserShowcase(user, (), (), ()) for user in map(str, range(500))]

module = sys.modules["recbole_showcase.recommender"] = types.ModuleType("recommender")
module.load_explainer = lambda *args, **options: Recommender()
chunks = jinja2.environment.TemplateStream.__next__

def next_chunk(self):
    self.given = getattr(self, "given", 0) + 1
    if self.given == 4:
        slow("writing")
    return chunks(self)

jinja2.environment.TemplateStream.__next__ = next_chunk
main()
"""


@pytest.mark.parametrize(
    ("number", "where", "earlier"),
    [(signal.SIGINT, "explaining", False), (signal.SIGTERM, "writing", True)],
)
def test_in_the_middle(tmp_path: Path, number: int, where: str, earlier: bool) -> None:
    page = tmp_path / "page.html"
    if earlier:
        page.write_text("an earlier page")
    status, said = interrupted(_GALLERY, number, where, "gallery", "a.pth", "--out", str(page))
    assert (status, said) == (130, f"interrupted; {page} was left as it was\n")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"] * earlier
    assert not earlier or page.read_text() == "an earlier page"
