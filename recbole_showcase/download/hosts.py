"""Which hosts may be asked for photos, and at which addresses they may be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from recbole_showcase.errors import DataError

GOOGLE = tuple(f"lh{number}.googleusercontent.com" for number in range(1, 7))
AMAZON = (
    "m.media-amazon.com",
    *(f"images-{region}.ssl-images-amazon.com" for region in ("na", "eu", "fe")),
)
NOT_ALLOWED = "host not allowed"
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")  # a name, or an address of IPv6
_PORTS = {"http": 80, "https": 443}
# Addresses of IPv4 inside those of IPv6, for networks that have the latter alone (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What the internet routes of IPv6; the rest is of one place, of one network or of the past.
_UNICAST = ipaddress.IPv6Network("2000::/3")


@dataclass(frozen=True)
class _Entry:
    """A host, or all below a domain, by one scheme and at one port."""

    scheme: str
    host: str
    port: int
    below: bool
    usual: bool

    @classmethod
    def parse(cls, text: str, usual: bool) -> _Entry:
        """Read an entry of the list.

        Raises:
            DataError: It is none.
        """
        url, below = text if "://" in text else f"https://{text}", False
        if "://*." in url:
            url, below = url.replace("://*.", "://", 1), True
        try:
            found = httpx2.URL(url)
        except (httpx2.InvalidURL, UnicodeError):
            found = httpx2.URL("")
        host = found.raw_host.decode("ascii")
        rest = found.userinfo or found.raw_path != b"/" or found.fragment
        broad = below and "." not in host.strip(".")  # everything below .com
        if found.scheme not in _PORTS or not _HOST.fullmatch(host) or rest or broad:
            raise DataError(
                f"host {text!r} cannot be used; allowed: such as images.example.org, "
                "*.example.org for all below it, or http://localhost:8000"
            )
        return cls(found.scheme, host, found.port or _PORTS[found.scheme], below, usual)

    def admits(self, url: httpx2.URL) -> bool:
        """Whether a URL is of such a host."""
        host = url.raw_host.decode("ascii")
        same = host.endswith(f".{self.host}") if self.below else host == self.host
        return same and (url.scheme, port_of(url)) == (self.scheme, self.port)


class AllowedHosts:
    """The hosts that may be asked: those that photos of public releases are at, and one's own."""

    def __init__(self, own: Sequence[str] = ()) -> None:
        """Put the list together.

        Args:
            own: ``HOST``, ``*.DOMAIN`` or ``http://HOST:PORT``, by https unless it says.

        Raises:
            DataError: One of them is no host.
        """
        self._entries = [
            *(_Entry.parse(host, usual=True) for host in (*GOOGLE, *AMAZON)),
            *(_Entry.parse(host, usual=False) for host in own),
        ]

    def refusal(self, url: httpx2.URL) -> str | None:
        """Why a URL may not be asked for; None if it may."""
        if url.scheme not in _PORTS:
            return f"scheme not allowed: {url.scheme!r}"
        if url.userinfo:
            return "a user or password in the URL"
        if not any(entry.admits(url) for entry in self._entries):
            return f"{NOT_ALLOWED}: {url.scheme}://{url.netloc.decode('ascii', 'replace')}"
        return None

    def anywhere(self, url: httpx2.URL) -> bool:
        """Whether the host may be at an address that is not public: its user named it in full."""
        return any(e.admits(url) for e in self._entries if not e.below and not e.usual)


def port_of(url: httpx2.URL) -> int:
    """The port that a URL is asked at; 0 for a scheme without a usual one."""
    return url.port or _PORTS.get(url.scheme, 0)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet.

    >>> [is_public(a) for a in ("142.250.1.1", "10.0.0.1", "169.254.169.254", "::1", "no address")]
    [True, False, False, False, False]
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
        elif ip not in _UNICAST:
            return False
    return ip.is_global and not ip.is_multicast
