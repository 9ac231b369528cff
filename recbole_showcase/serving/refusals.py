"""Why a request is not answered, as its status and one line say."""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A request that is not answered; the text says why."""

    status: ClassVar[int]
    headers: ClassVar[dict[str, str]] = {}


class NotFound(Refusal):
    """Who or what is asked for is not there."""

    status = 404


class Malformed(Refusal):
    """The request is of another form than the schema, or a photo in it is none."""

    status = 422


class Keyless(Refusal):
    """What only who shows a key may ask for, of a service that has none."""

    status = 403


class NotServable(Refusal):
    """The data cannot be served as it is."""

    status = 409


class NotHere(Refusal):
    """This service cannot do it, whatever is asked."""

    status = 501


class Full(Refusal):
    """More is asked for than the service takes on at once."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"retry-after": "1"}
