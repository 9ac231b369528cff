"""How large a demo world is and how its inhabitants behave."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from recbole_showcase.errors import SettingsError

# Seed of the drawing that nothing is trained on: what ships is measured on it.
HELD_OUT_SEED = 99
# What a world does without unless it is asked for: left out of files where it is 0.
_OPTIONS = ("share_generic_reviews", "share_generic_sentences")


@dataclass(frozen=True)
class WorldSettings:
    """Everything a drawing of the world depends on; equal settings give equal drawings.

    Attributes:
        seed: Seed of all randomness.
        n_users: Number of users.
        n_items: Number of restaurants.
        reviews_min: Fewest reviews of a user.
        reviews_mean: Mean number of reviews of a user.
        share_without_text: Share of reviews that are stars only.
        share_with_photos: Share of reviews with text that carry photos.
        share_generic_reviews: Share of reviews with text that name neither dish nor room, whatever
            their photos show.
        share_generic_sentences: Share of the sentences of the other reviews that would fit any
            restaurant, beside openings, asides and closings.
        cuisine_focus: Dirichlet concentration of users over cuisines; small = one or two cuisines.
        dish_focus: Dirichlet concentration over the dishes of these cuisines; small = few dishes.
        choice_sharpness: How strongly match rather than chance decides where a user goes.
        menu_focus: How much of the match is about favourite dishes rather than about the cuisine.
        order_sharpness: How strongly users order what they like best; 1 = in proportion.
        posting_evenness: How evenly photos come from all users; small = from a few keen ones.
        image_size: Side of the square photos in pixels.
    """

    seed: int = 1
    n_users: int = 300
    n_items: int = 80
    reviews_min: int = 5
    reviews_mean: float = 9.0
    share_without_text: float = 0.4
    share_with_photos: float = 0.6
    share_generic_reviews: float = 0.0
    share_generic_sentences: float = 0.0
    cuisine_focus: float = 0.06
    dish_focus: float = 0.4
    choice_sharpness: float = 9.0
    menu_focus: float = 0.5
    order_sharpness: float = 4.0
    posting_evenness: float = 0.8
    image_size: int = 96

    def __post_init__(self) -> None:
        """Refuse what no world can be drawn from.

        Raises:
            SettingsError: If a value is out of range.
        """
        for name, low in (("seed", 0), ("n_users", 1), ("n_items", 2), ("reviews_min", 1)):
            if getattr(self, name) < low:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be at least {low}")
        if not self.reviews_min <= self.reviews_mean <= self.n_items:
            raise SettingsError(
                f"reviews_mean is {self.reviews_mean}; it must lie between reviews_min "
                f"({self.reviews_min}) and n_items ({self.n_items})"
            )
        for name in ("share_without_text", "share_with_photos", "menu_focus", *_OPTIONS):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must lie in [0, 1]")
        if self.share_generic_sentences == 1:
            raise SettingsError("share_generic_sentences is 1.0; it must be below 1")
        for name in (
            "cuisine_focus",
            "dish_focus",
            "choice_sharpness",
            "order_sharpness",
            "posting_evenness",
        ):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not 32 <= self.image_size <= 512:
            raise SettingsError(f"image_size is {self.image_size}; it must lie in [32, 512]")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for a JSON file, without options that are off."""
        return {k: v for k, v in asdict(self).items() if k not in _OPTIONS or v}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> WorldSettings:
        """Read settings that ``to_dict`` wrote.

        Raises:
            SettingsError: If a key is not a setting.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise SettingsError(f"unknown world settings {unknown}; known are {sorted(known)}")
        return cls(**values)
