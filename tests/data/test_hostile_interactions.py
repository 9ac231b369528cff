"""Interactions that parsers disagree on: our data set class has what RecBole's has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recbole_showcase  # noqa: F401 - registers with RecBole
from recbole_showcase.composed.joined import ROW_FIELD
from recbole_showcase.integration.checkpoint import clean_argv

HEAD = "user_id:token\titem_id:token\trating:float\ttimestamp:float\treview_id:token\n"
ROW = "u{0}\ti{0}\t4.5\t1{0}.5\tr{0}\n"
ROWS = "".join(map(ROW.format, (3, 1, 2)))


def rows_of(*users: str) -> str:
    """A file with these as users, written as they stand."""
    lines = (f"{user}\ti{n % 2}\t{n}\t{n}.25\tr{n}\n" for n, user in enumerate(users))
    return HEAD + "".join(lines)


def numbers(*values: str) -> str:
    return HEAD + "".join(f"u{n}\ti1\t{value}\t{n}\tr{n}\n" for n, value in enumerate(values))


# Tokens that come again a megabyte later, which is as much as Arrow reads at a time.
LONG = [f"{n % 700}-{'x' * 900}" for n in range(3000)]

FILES: dict[str, str | bytes] = {
    "repeated rows": HEAD + ROWS + ROWS.replace("r", "s") + ROWS.replace("r", "t"),
    "numbers as ids": rows_of("007", "7", "7.0", "1e5", "100000", "-0", "True", "0x7", "1_0"),
    "words that stand for nothing": rows_of("NA", "u", "null", "nan", "None", "N/A", "-", "na"),
    "quoted": rows_of('"a b"', "a b", '"a\tb"', '"say ""x"""', '""', "u"),
    "a line break in quotes": rows_of('"a\nb"', "c", '"\n"', '"a\r\nb"', '"a\nb"'),
    "a quotation mark inside": rows_of('a"b', 'ab"', 'a""b', 'a"b', "'a'"),
    "a quoted value that goes on": rows_of('"a"b', "ab", '"a" b'),
    "spaces": rows_of(" a", "a", "a ", "\u00a0a", "a\u2028b", "\u3000"),
    "scripts": rows_of("caf\u00e9", "cafe\u0301", "\U0001f355", "ﬁ", "fi", "İ", "\u202eab"),
    "padding as a token": rows_of("a", "[PAD]", "b", "[PAD]"),
    "empty users": rows_of("a", "", "b", ""),
    "empty items": HEAD + ROWS + "u9\t\t1\t2\tr9\n" + "u8\ti1\t1\t2\tr8\n",
    "empty reviews and numbers": HEAD + ROWS + "u9\ti1\t\t\t\nu8\ti1\t\t\t\n",
    "ends of lines of Windows": (HEAD + ROWS).replace("\n", "\r\n"),
    "no last end of line": (HEAD + ROWS).removesuffix("\n"),
    "empty lines": HEAD + "\n" + ROWS.replace("\n", "\n\n"),
    "columns in another order": "review_id:token\trating:float\titem_id:token\tuser_id:token\n"
    "r1\t1\ti2\tu1\nr2\t2\ti1\tu2\nr3\t3\ti2\tu2\n",
    "further columns": HEAD.replace("\n", "\ttags:token_seq\tlook:float_seq\tplace:token\n")
    + "".join(
        f"{row}\t{rest}\n"
        for row, rest in zip(
            (HEAD + ROWS).splitlines()[1:], ("b a\t.5 1\tx", "\t\t", "a\t2\tNA"), strict=True
        )
    ),
    "kinds of numbers": numbers("5", "-0", "1e3", "inf", "-inf", "4.10000000000000051", ".5", ""),
    "spaces around numbers": numbers(" 5", "5 "),
    "words among numbers": numbers("5", "five"),
    "digits of another script": numbers("٣", "3"),
    "an underscore in a number": numbers("1_000", "3"),
    "a short row": HEAD + ROWS + "u9\ti9\n" + ROWS,
    "a long row": HEAD + ROWS + "u9\ti9\t1\t2\tr9\tx\ty\n" + ROWS,
    "no rows": HEAD,
    "several of Arrow's blocks": rows_of(*LONG),
    "several blocks, and a line break in the last": rows_of(*LONG, '"a\nb"'),
    "several blocks of lines of Windows": rows_of(*LONG).replace("\n", "\r\n"),
    "not UTF-8": HEAD.encode() + b"u\xff\ti1\t1\t1\tr1\n",
    "one column": HEAD.split("\t")[0] + "\nu1\n",
}
# Settings, and the bytes of each file by its suffix.
PARTS = {
    f"big.{n}.inter": HEAD + "".join(map(ROW.format, own)) for n, own in enumerate(["31", "2"])
}
OTHER: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {
    "several files": (
        {"benchmark_filename": ["0", "1"]},
        {name: content.encode() for name, content in PARTS.items()},
    ),
    "commas": (
        {"field_separator": ","},
        {"big.inter": (HEAD + ROWS).replace("\t", ",").replace("u1", '"u,1"').encode()},
    ),
    "Latin 1": (
        {"encoding": "latin-1"},
        {"big.inter": (HEAD + ROWS).replace("u1", "é").encode("latin-1")},
    ),
    "a first row of no text": ({}, {"big.inter": (HEAD + "\t\t\t\t\n" + ROWS).encode()}),
    "filtered": (
        {"user_inter_num_interval": "[2,inf)", "val_interval": {"rating": "[1,inf)"}},
        {"big.inter": rows_of("a", "b", "b", '"a"', "b", "c").encode()},
    ),
    "with tables of users and items": (
        {"load_col": None, "filter_inter_by_user_or_item": True},
        {
            "big.inter": (HEAD + ROWS + ROWS.replace("i1", "i7")).encode(),
            "big.item": b'item_id:token\tkind:token\ni1\t"a\nb"\ni2\t\ni7\tc\n',
            "big.user": b"user_id:token\tage:float\nu3\t4\nu1\t\n",
        },
    ),
}
CASES = OTHER | {
    name: ({}, {"big.inter": own if isinstance(own, bytes) else own.encode()})
    for name, own in FILES.items()
}
READ_BY_ARROW = {"a quoted value that goes on"}  # RecBole refuses it


def created(model: str, folder: Path, settings: dict[str, Any]) -> Any:
    """The data set of a model, or that it is refused."""
    from recbole.config import Config
    from recbole.data import create_dataset

    settings = {"load_col": None, "data_path": str(folder), "state": "ERROR"} | settings
    with clean_argv():
        config = Config(model, "big", config_dict=settings)
    try:
        return create_dataset(config)
    except Exception:  # whatever RecBole stops with
        return "refused"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
def test_it_has_what_recboles_has(case: str, tmp_path: Path) -> None:
    settings, files = CASES[case]
    (tmp_path / "big" / "big.features" / "showcase-tiny").mkdir(parents=True)  # not opened
    for name, content in files.items():
        (tmp_path / "big" / name).write_bytes(content)
    ours, stock = (created(model, tmp_path, settings) for model in ("ShowcaseBPR", "BPR"))
    if stock == "refused":
        assert (ours == "refused") == (case not in READ_BY_ARROW)
        return
    assert ours != "refused"
    assert {k: v for k, v in ours.field2type.items() if k != ROW_FIELD} == stock.field2type
    assert list(ours.field2token_id) == list(stock.field2token_id)
    for field, tokens in stock.field2id_token.items():
        np.testing.assert_array_equal(ours.field2id_token[field], tokens)
        assert list(ours.field2token_id[field].items()) == list(stock.field2token_id[field].items())
    for name in stock.feat_name_list:
        one, two = (d._dataframe_to_interaction(getattr(d, name)) for d in (ours, stock))
        assert [column for column in one.columns if column != ROW_FIELD] == two.columns
        for column in two.columns:
            torch.testing.assert_close(one[column], two[column], rtol=0, atol=0, equal_nan=True)
