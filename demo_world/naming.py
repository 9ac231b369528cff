"""Which dishes a text names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from demo_world.catalogue import DISHES, Dish


def dish_forms(dishes: Iterable[Dish] = DISHES) -> dict[str, str]:
    """Return what may stand in a text, in lower case, and the dish it names.

    Every name and other name counts in the singular and in the plural.
    """
    forms: dict[str, str] = {}
    for dish in dishes:
        for name in (dish.name, *dish.also):
            forms[name] = dish.name
            other = name[:-1] if name.endswith("s") and dish.plural else name + "s"
            forms.setdefault(other, dish.name)
    return forms


class DishFinder:
    """Finds dishes in texts; of overlapping names the longest one at its place counts.

    Args:
        forms: Name as it may stand in a text, and the dish it names.
    """

    def __init__(self, forms: Mapping[str, str]) -> None:
        self._forms = {form.lower(): dish for form, dish in forms.items()}
        longest_first = sorted(self._forms, key=len, reverse=True)
        words = (r"[\s-]+".join(map(re.escape, form.split())) for form in longest_first)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)

    def find(self, text: str) -> set[str]:
        """Return the names of the dishes that a text names."""
        found = (match.group().lower() for match in self._pattern.finditer(text))
        return {self._forms[re.sub(r"[\s-]+", " ", form)] for form in found}
