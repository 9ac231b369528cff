"""Programs of ``benchmarks/`` that judge what others made, or deal out what items look like."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from benchmarks import released_texts, shuffled_features
from recbole_showcase.data.item_features import ItemFeatures


def write_released(folder: Path, texts: list[str], true: list[str]) -> tuple[Path, Path]:
    for name, values in (("texts", texts), ("true", true)):
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(values))
    return folder / "texts.pkl", folder / "true.pkl"


def test_released_texts_are_found_by_their_true_text(tmp_path: Path) -> None:
    """One that stands twice could be anybody's."""
    files = write_released(tmp_path, ["one", "two", "three"], ["a dish ", "again", "again"])
    assert released_texts.released(*files) == {"a dish": "one"}


@pytest.mark.parametrize(
    ("texts", "said"), [(["one"], "1 texts for 2 references"), ("one", "no list of texts")]
)
def test_released_texts_that_do_not_fit(tmp_path: Path, texts: list[str], said: str) -> None:
    files = write_released(tmp_path, texts, ["a", "b"])
    with pytest.raises(SystemExit, match=said):
        released_texts.released(*files)


def test_a_pickle_of_something_else_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(Path("/")))
    with pytest.raises(SystemExit, match=r"x\.pkl"):
        released_texts.texts_of(tmp_path / "x.pkl")


def write_pairs(path: Path, texts: list[str], users: str = "u") -> Path:
    """A file of pairs whose texts are the true ones."""
    pairs = [
        {"user": f"{users}{n}", "item": f"i{n}", "text": text, "reference": text}
        for n, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return path


def test_both_are_scored_on_the_pairs_that_both_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true = [f"the soup of place {n} is hot and good" for n in range(4)]
    ours = write_pairs(
        tmp_path / "ours.jsonl", [*true[:3], "a text that nobody released for anyone"]
    )
    released_texts.compare([ours], dict.fromkeys(true, "the soup is cold"))
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0][:3] == ["ours", "3", "100.00"]
    assert rows[1][rows[1].index("pairs") + 1] == "3"
    assert rows[2][0] == "BLEU4:" and float(rows[2][1]) > 0


def test_files_of_folds_count_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts that repeat in the other fold are repeated; a pair in both is a mistake."""
    true = [f"the soup of place {n} is hot and good" for n in range(4)]
    theirs = dict.fromkeys(true, "the soup is cold")
    folds = [
        write_pairs(tmp_path / f"fold-{n}.jsonl", true[2 * n : 2 * n + 2], users=f"u{n}-")
        for n in range(2)
    ]
    for path in folds:
        kept = [json.loads(line) | {"text": "the same"} for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(pair) + "\n" for pair in kept))
    released_texts.compare(folds, theirs)
    row = capsys.readouterr().out.splitlines()[0].split()
    assert row[:3] == ["fold-0,", "fold-1", "4"] and float(row[-1]) == 0.25, "one text of four"
    with pytest.raises(SystemExit, match="fold-0, fold-0: a pair stands twice"):
        released_texts.compare([folds[0], folds[0]], theirs)


def test_features_are_dealt_out_and_none_is_lost() -> None:
    vectors = np.arange(24, dtype=np.float32).reshape(8, 3)
    known = np.arange(8) % 3 > 0
    found = shuffled_features.dealt_out(ItemFeatures(vectors, known))
    assert (found.vectors[0] == vectors[0]).all()
    of = found.vectors[:, 0].astype(int) // 3  # whose features an item has
    assert sorted(of) == list(range(8))
    assert (of[1:] != np.arange(1, 8)).sum() > 3
    assert (found.known == known[of]).all()
