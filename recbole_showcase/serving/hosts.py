"""By which names a service without a key answers, so that no page of another site can read it.

The owner of a page may have its name lead to this machine once a browser shows it (DNS rebinding).
What is answered then is of the page's own origin, which it may read, but the browser still says the
page's name as the host. No such name is an address, or ``localhost``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

from recbole_showcase.errors import SettingsError

HERE = "localhost"
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def check_hosts(hosts: Iterable[str]) -> None:
    """Refuse what no request can say as its host, such as a URL or a name with a port.

    Raises:
        SettingsError: Names it, and says what is allowed.
    """
    for host in hosts:
        if not is_address(host) and not _NAME.fullmatch(host.lower()):
            raise SettingsError(
                f"host '{host}' is no name; allowed: one without scheme, port and path, such as "
                "showcases.example.org"
            )


def answers_to(header: bytes, hosts: frozenset[str]) -> bool:
    """Whether a request's ``Host`` is an address, ``localhost`` or one of some names.

    Args:
        header: Its value, with a port or without; empty if there is none.
        hosts: Names in lower case.
    """
    said = header.decode("latin-1").strip().lower()
    if said.startswith("["):  # an address with colons of its own
        host = said[1:].partition("]")[0]
    else:
        host = said.partition(":")[0].removesuffix(".")
    return host == HERE or host in hosts or is_address(host)


def is_address(host: str) -> bool:
    """Whether a host is an IP address, which nobody can have lead elsewhere."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
