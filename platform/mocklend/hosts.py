"""The hosts that a server answers to, and the web pages that may send it requests.

A server on loopback requires no credential, since only this machine reaches it. But a web page in a browser on this
machine reaches it too, in two ways: it sends a request to the server's address (`Sec-Fetch-Site` and `Origin` say so),
or it makes its own host name resolve to 127.0.0.1 (DNS rebinding: `Host` has that name). Both are refused. Programs
other than browsers send no such header and the right host.
"""

from __future__ import annotations

import ipaddress
from typing import Protocol

from mocklend.domain.problems import Refused

SAME = ("same-origin", "none")
OPEN_TO_LINKS = ("/docs", "/console")
"""Pages that another page may link to: only who follows the link sees them, and reading them changes nothing."""


class Headers(Protocol):
    """A request's headers, by name in lower case."""

    def get(self, name: str, /) -> str | None: ...


class HostPolicy:
    """The host names that a server answers to."""

    def __init__(self, *, on_loopback: bool, allowed: tuple[str, ...] = ()) -> None:
        """On loopback: the machine's own names and `allowed`. Elsewhere: `allowed`, or every name if it is empty."""
        self._on_loopback = on_loopback
        self._allowed = frozenset(name.lower().rstrip(".") for name in allowed)
        self._accepted: set[str] = set()

    def check(self, method: str, path: str, headers: Headers) -> None:
        """Refuse requests to another host, and on loopback those from a page of another origin.

        Raises Refused `host_not_allowed`, `cross_site`.
        """
        host = headers.get("host")
        if host is not None and host not in self._accepted:
            if not self._is_ours(host):
                raise Refused(
                    "host_not_allowed",
                    "the request is for another host than this server",
                    expected="an address of this machine, or a name of MOCKLEND_ALLOWED_HOSTS",
                    received=host[:80],
                )
            if len(self._accepted) < 100:
                self._accepted.add(host)
        if not self._on_loopback:
            return
        site = headers.get("sec-fetch-site")
        if site is not None and site not in SAME:
            if not (method == "GET" and headers.get("sec-fetch-mode") == "navigate" and path.startswith(OPEN_TO_LINKS)):
                raise _cross_site(site)
            return
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise _cross_site(origin)

    def _is_ours(self, host: str) -> bool:
        name = name_of(host)
        if name in self._allowed:
            return True
        if not self._on_loopback:
            return not self._allowed
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False


def name_of(host: str) -> str:
    """Return the name or address in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _cross_site(received: str) -> Refused:
    return Refused(
        "cross_site",
        "a page of another origin sent the request",
        expected="a request from a program, or from a page of this server",
        received=received[:80],
    )
