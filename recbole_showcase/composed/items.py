"""What a data set's ``.item`` says of the items, for people to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_showcase.atomic import read_columns


def describe_items(tokens: np.ndarray, path: Path, config: Any) -> tuple[list[str], list[str]]:
    """Names and categories by internal item id, from ``.item`` where there is one.

    It is RecBole's file, and read by its settings; other columns do not matter.

    Args:
        tokens: Tokens of the items by internal id.
        path: The ``.item`` file.
        config: RecBole's configuration.
    """
    names, categories = [str(token) for token in tokens], [""] * len(tokens)
    if not path.is_file():
        return names, categories
    item_field, words = config["ITEM_ID_FIELD"], config["seq_separator"]
    wanted = (item_field, "name", "category")
    table = read_columns(path, wanted, config["field_separator"], config["encoding"])
    if item_field not in table:
        return names, categories
    place = pd.Index(tokens).get_indexer(table[item_field])
    for column, target, between in (("name", names, " "), ("category", categories, ", ")):
        for number, value in zip(place, table.get(column, []), strict=False):
            if number > 0 and value:
                target[number] = value.replace(words, between)
    return names, [category.replace("_", " ") for category in categories]
