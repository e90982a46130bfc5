"""The receivers of webhooks: which URLs are accepted, and which addresses the server connects to.

A server that others can reach sends webhooks from its own network, so a client's URL must not lead to what only the
server can reach: itself, its network, the link's metadata service. Such addresses are refused unless
`MOCKLEND_CALLBACK_ALLOW` names them. A server on loopback sends to loopback, and to what the setting names.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

URL_MAX = 2_000
NAME_MAX = 253
PORT_MAX = 65_535
LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?"
"""A label of a host name. DNS has no underscore, but the names of containers do."""
URL_PATTERN = (
    rf"https?://({LABEL}(\.{LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{{0,4}})?"
    r"([/?][\x21\x22\x24-\x7e]*)?"
)
"""The form of an accepted URL. `url_expected` checks what a pattern cannot express well."""

_NAME = re.compile(rf"{LABEL}(\.{LABEL})*\.?")
_PORT = re.compile(r":[1-9][0-9]{0,4}")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses reached through IPv6 (RFC 6052): the last 32 bits are the address."""
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")
"""Deprecated private addresses (RFC 3879), which Python regards as global."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def url_expected(url: str) -> str | None:
    """Return what a URL should be so that a request can be sent there, or None if it is right."""
    if not 0 < len(url) <= URL_MAX:
        return f"a URL of 1 to {URL_MAX} characters"
    if not all("!" <= character <= "~" for character in url):
        return "a URL of printable ASCII without blanks (a host name of other letters as xn--…)"
    if not url.startswith(("http://", "https://")):
        return "a URL that begins with http:// or https://"
    if "#" in url:
        return "a URL without fragment (#…), which is never sent"
    authority = re.split(r"[/?]", url.partition("://")[2], maxsplit=1)[0]
    if "@" in authority:
        return "a URL without user and password"
    if authority.startswith("["):
        host, closed, port = authority[1:].partition("]")
        expected = None if closed and _is(ipaddress.IPv6Address, host) else "an IPv6 address in brackets, without zone"
    else:
        host, colon, rest = authority.partition(":")
        port, expected = colon + rest, _name_expected(host)
    if expected is not None:
        return f"a URL whose host is {expected}"
    if port and not (_PORT.fullmatch(port) and int(port[1:]) <= PORT_MAX):
        return f"a URL whose port is from 1 to {PORT_MAX}, or which has none"
    return None


def _name_expected(host: str) -> str | None:
    if not 0 < len(host) <= NAME_MAX:
        return f"a name of 1 to {NAME_MAX} characters, or an address"
    if not _NAME.fullmatch(host):
        return "labels of 1 to 63 letters, digits and inner hyphens, with single dots between"
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) and not _is(ipaddress.IPv4Address, host):
        return "an IPv4 address as four numbers from 0 to 255"
    try:
        host.encode().decode("idna")
    except UnicodeError:
        return "a name whose xn-- labels can be decoded"
    return None


def _is(kind: type[Address], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return "%" not in text


class ReceiverPolicy:
    """The addresses that a server sends webhooks to. Immutable."""

    def __init__(self, *, on_loopback: bool = True, allowed: tuple[str, ...] = ()) -> None:
        """`allowed`: addresses, networks (10.0.0.0/8) and host names. Raises ValueError for anything else."""
        self._on_loopback = on_loopback
        self._networks: list[Network] = []
        self._names: set[str] = set()
        for entry in allowed:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                if "/" in entry or _name_expected(entry) is not None:
                    raise ValueError(f"{entry!r} is not a network, address or host name") from None
                self._names.add(_folded(entry))

    def refuses(self, host: str, address: str) -> bool:
        """Whether no request is sent to an address under this host name. An allowed name may be at any address."""
        if _folded(host) in self._names:
            return False
        receiver = _unwrapped(ipaddress.ip_address(address))
        if any(receiver in network for network in self._networks):
            return False
        if self._on_loopback:
            return not (receiver.is_loopback or receiver.is_unspecified)  # To connect to 0.0.0.0 leads to loopback.
        return not receiver.is_global or receiver.is_multicast or receiver.is_reserved or receiver in _SITE_LOCAL

    def refuses_url(self, url: str) -> bool:
        """Whether a URL has an address that is refused. The address of a name is known only when a request is sent."""
        host = urlsplit(url).hostname or ""
        try:
            return self.refuses(host, host)
        except ValueError:
            return False


def _folded(name: str) -> str:
    return name.lower().rstrip(".")


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 address, if it has one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
