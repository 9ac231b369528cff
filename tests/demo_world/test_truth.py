from __future__ import annotations

import re
from pathlib import Path

import pytest

from demo_world import WorldTruth
from demo_world.truth import DishFinder, dish_forms
from recbole_showcase.atomic import read_atomic
from recbole_showcase.errors import DataError

PACKAGE = Path(__file__).parents[2] / "recbole_showcase"


@pytest.fixture(scope="module")
def truth(demo_dir: Path) -> WorldTruth:
    return WorldTruth.load(demo_dir)


@pytest.mark.parametrize(
    ("text", "dishes"),
    [
        ("The beef pho was great.", {"beef pho"}),
        ("BEEF PHO! And beef noodle soups.", {"beef pho", "beef noodle soup"}),
        ("the pho was great, so was the beef", set()),
        ("a bacon burger", {"bacon burger"}),
        ("two cheeseburgers with fries", {"cheeseburger", "french fries"}),
        ("french fries", {"french fries"}),
        ("one churro, one fish taco", {"churros", "fish tacos"}),
        ("churrosity", set()),
        ("egg fried rice", {"fried rice"}),
        ("naan and garlic naans", {"garlic naan"}),
        ("spaghetti  carbonara\nand carbonara", {"spaghetti carbonara"}),
        ("tiramisu's cousin", {"tiramisu"}),
        ("", set()),
    ],
)
def test_dishes_named_in(truth: WorldTruth, text: str, dishes: set[str]) -> None:
    assert truth.dishes_named_in(text) == dishes


def test_of_overlapping_names_the_longest_counts() -> None:
    finder = DishFinder({"rice": "rice", "fried rice": "fried rice", "rice bowl": "bowl"})
    assert finder.find("fried rice") == {"fried rice"}
    assert finder.find("rice bowl and rice") == {"bowl", "rice"}


def test_no_name_stands_for_two_dishes() -> None:
    forms = dish_forms()
    finder = DishFinder(forms)
    assert [form for form, dish in forms.items() if finder.find(form) != {dish}] == []


def test_labels_and_named_dishes_agree_with_the_texts(demo_dir: Path, truth: WorldTruth) -> None:
    review = read_atomic(demo_dir / "showcase-demo.review")
    for name, text in zip(review["review_id"], review["text"], strict=True):
        assert truth.dishes_named_in(text) == truth.named_dishes[name]


def test_explanations_name_what_the_photos_show(demo_dir: Path, truth: WorldTruth) -> None:
    review = read_atomic(demo_dir / "showcase-demo.review").set_index("review_id")
    image = read_atomic(demo_dir / "showcase-demo.image")
    checked = 0
    for name, photos in image.groupby("review_id")["image_id"]:
        if name not in review.index:
            continue
        shown = {label.name for label in truth.label_of(photos) if label.kind == "dish"}
        explanation, text = review.loc[name, ["explanation", "text"]]
        assert truth.dishes_named_in(explanation) == shown
        assert explanation
        assert all(s in text for s in re.split(r"(?<=[.!]) ", explanation))
        assert truth.names_a_shown_dish(explanation, photos) == bool(shown)
        checked += 1
    assert checked > 500
    without = review.drop(index=set(image["review_id"]) & set(review.index))
    assert (without["explanation"].fillna("") == "").all()


def test_names_a_shown_dish(truth: WorldTruth) -> None:
    photos = [k for k, label in truth._labels.items() if label.kind == "dish"]
    rooms = [k for k, label in truth._labels.items() if label.kind == "ambience"]
    dish = truth.label_of(photos[:1])[0].name
    assert truth.names_a_shown_dish(f"Loved the {dish}.", [rooms[0], photos[0]])
    assert not truth.names_a_shown_dish("Loved it.", photos[:1])
    assert not truth.names_a_shown_dish(f"Loved the {dish}.", rooms[:1])
    assert not truth.names_a_shown_dish(f"Loved the {dish}.", [])


def test_unknown_photos_and_other_data_sets_are_refused(truth: WorldTruth, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'p-none'"):
        truth.label_of(["p-none"])
    with pytest.raises(DataError, match="has no truth"):
        WorldTruth.load(tmp_path)


def test_the_package_knows_no_demo_world() -> None:
    """It is not installed, and no model reads the truth."""
    sources = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert [path for path, text in sources.items() if "demo_world" in text] == []
