"""How a server is set up: from arguments, or from the environment (`MOCKLEND_PORT=8400`)."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mocklend.receivers import ReceiverPolicy

SANDBOXES_MAX = 10_000
RUNNING_CLOCKS_MAX = 5_000


class Settings(BaseSettings):
    """What a server needs to know before it starts. Tokens that are not given are made up, and shown by `serve`."""

    model_config = SettingsConfigDict(env_prefix="MOCKLEND_", extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", min_length=1)
    """An address, or a name that stands for one."""
    port: int = Field(default=8300, ge=0, le=65535)
    database: str = "mocklend.db"
    """A database's URL, or the path of an SQLite file."""
    durability: Literal["full", "fast"] = "full"
    """`fast` may lose the last commits in a power cut. For tests and the demo."""
    default_seed: int = Field(default=1, ge=0, le=2**63 - 1)
    """The seed of the sandbox `default`."""
    default_key: str = Field(default_factory=lambda: "mk_" + secrets.token_urlsafe(24), pattern=r"^[!-~]{8,200}$")
    """The key of the sandbox `default`, from this start on."""
    fault_header: Literal["off", "on"] = "off"
    """`on` lets a client name a fault in its own request, with the header Mocklend-Fault."""
    fault_header_kinds: str = ""
    """The kinds that it may name, with commas between; all where none is named."""
    fault_header_max: int = Field(default=50, ge=0, le=200)
    """So many requests of a sandbox may carry it."""
    max_sandboxes: int = Field(default=SANDBOXES_MAX, ge=1)
    """So many sandboxes may be there beside `default`."""
    max_running_clocks: int = Field(default=RUNNING_CLOCKS_MAX, ge=0)
    """So many of their clocks may run by themselves: each is looked at when something is due on it."""
    allowed_hosts: str = ""
    """Host names under which the server may be asked for, with commas between. On loopback they are added to the
    machine's own names; elsewhere every name is allowed where none is given."""
    callback_allow: str = ""
    """Networks, addresses and host names that deliveries may reach although they are not public (on loopback: although
    they are not loopback), with commas between: `10.1.0.0/16,receiver`."""
    access_log: str = ""
    """A file to which a line of JSON is appended for each request, or `-` for standard error. Off where it is empty."""
    control_token: str = Field(default_factory=lambda: secrets.token_urlsafe(24), min_length=8)
    operator_token: str = Field(default_factory=lambda: secrets.token_urlsafe(24), min_length=8)
    channel_token: str = Field(default_factory=lambda: secrets.token_urlsafe(24), min_length=8)
    bureau_token: str = Field(default_factory=lambda: secrets.token_urlsafe(24), min_length=8)

    @property
    def fault_header_kinds_listed(self) -> tuple[str, ...]:
        """The kinds that the header may name; empty for all."""
        return _listed(self.fault_header_kinds)

    @property
    def allowed_hosts_listed(self) -> tuple[str, ...]:
        """The names of `allowed_hosts`."""
        return _listed(self.allowed_hosts)

    @property
    def receivers(self) -> ReceiverPolicy:
        """Which addresses are called."""
        return ReceiverPolicy(on_loopback=self.on_loopback, allowed=_listed(self.callback_allow))

    @field_validator("callback_allow")
    @classmethod
    def _is_a_list_of_receivers(cls, value: str) -> str:
        ReceiverPolicy(allowed=_listed(value))
        return value

    @property
    def on_loopback(self) -> bool:
        """Whether nobody but this machine can reach the server: then no plane asks for a credential."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """The address to type. Where the server listens on all addresses of the machine, one of them."""
        host = _own_address(self.host) if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def _listed(value: str) -> tuple[str, ...]:
    return tuple(name for one in value.split(",") if (name := one.strip()))


def address_of(host: str) -> str:
    """The address that a name stands for, one of IPv4 if it has any. OSError where it stands for none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(0, f"{host[:80]!r} is no name of a host") from None
    of_ipv4 = [one for one in found if one[0] is socket.AF_INET]
    return str((of_ipv4 or found)[0][4][0])


def _own_address(wildcard: str) -> str:
    """The address by which others reach this machine, or loopback where it has no other."""
    family, beyond, loopback = (
        (socket.AF_INET6, "2001:db8::1", "::1") if ":" in wildcard else (socket.AF_INET, "192.0.2.1", "127.0.0.1")
    )
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            # To connect a datagram socket sends nothing; it only chooses the address that would be sent from.
            probe.connect((beyond, 9))
            own: str = probe.getsockname()[0]
    except OSError:
        return loopback
    # One that holds on this link alone cannot be typed without the name of the link.
    return loopback if own.startswith("fe80:") else own


def wrong_settings(wrong: ValidationError) -> str:
    """Which settings cannot be used, in a sentence. Their values are left out: some are tokens."""
    found = "; ".join(
        f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in wrong.errors(include_input=False)
    )
    return f"The settings cannot be used: {found}."
