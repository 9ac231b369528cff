"""How much a service takes on at once, and for how long somebody waits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from recbole_showcase.arguments import check_count
from recbole_showcase.errors import SettingsError
from recbole_showcase.serving.hosts import check_hosts

# Of one request; in the schema that clients see.
MAX_PAIRS = 64
MAX_ID = 256  # characters of a user, an item or a photo
MAX_REVIEWS, MAX_REVIEW = 8, 4_000  # typed reviews, and the characters of one
MAX_GIVEN_PHOTOS = 16  # of a pair, to write from
MAX_OWN_PHOTOS, MAX_PHOTO_BYTES = 4, 4 << 20  # dropped photos, and the bytes of one
PHOTO_PIXELS = 24_000_000  # of a dropped photo
MAX_DEADLINE_MS = 60_000
PAGE_ROWS = 100  # of a look-up

MAX_REQUESTS = 512  # under way at once; photos and look-ups are no pairs, which `capacity` bounds
MAX_CONNECTIONS = 2 * MAX_REQUESTS  # idle ones among them; beyond, the server itself refuses
MAX_BODY = 256 << 10
# Photos travel as base64, which makes four characters of three bytes.
MAX_PHOTO_TEXT = -(-MAX_PHOTO_BYTES // 3) * 4
MAX_BODY_WITH_PHOTOS = MAX_BODY + MAX_OWN_PHOTOS * MAX_PHOTO_TEXT
MAX_BODIES = 256 << 20  # of all that are larger than MAX_BODY, until they are answered


@dataclass(frozen=True)
class ServeOptions:
    """How a service works.

    Attributes:
        max_batch: Pairs that photos are chosen, or texts written, for together.
        max_wait: Seconds that the first of a batch waits for others.
        deadline: Seconds after which an answer goes without its text, unless a request says.
        capacity: Pairs that are accepted and unanswered at most; what is more is refused.
        watch: Seconds between two looks at the checkpoint and the data's features; 0 for none.
        api_key: What requests have to show, if anything.
        hosts: Names that a service without a key answers to, beside addresses and ``localhost``.
    """

    max_batch: int = 32
    max_wait: float = 0.005
    deadline: float = 5.0
    capacity: int = 512
    watch: float = 5.0
    api_key: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the values."""
        check_count(SettingsError, max_batch=self.max_batch, capacity=self.capacity)
        for name, least, most in (
            ("max_wait", 0.0, 1.0),
            ("deadline", 0.001, MAX_DEADLINE_MS / 1000),
            ("watch", 0.0, math.inf),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise SettingsError(f"{name} is {value}; allowed: {least} to {most} seconds")
        if self.api_key is not None:
            _check_key(self.api_key)
        check_hosts(self.hosts)


def _check_key(key: str) -> None:
    """Refuse a key that is easily guessed, or that no header brings as it is; it is not shown.

    Raises:
        SettingsError: Says what is allowed.
    """
    if len(key) < 16:
        raise SettingsError(f"the API key has {len(key)} characters; allowed: 16 or more")
    if not key.isprintable() or key != key.strip():
        raise SettingsError(
            "the API key has blanks around it or characters that are not printed, as a file's last "
            "line end; allowed: printed ones"
        )
