"""The settings of a server: from arguments, or from the environment (`MOCKLEND_PORT=8400`)."""

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
WORKERS_MAX = 64
STATUS_PAGES_MAX = 20_000
LIVE_STREAMS_MAX = 128
STATEMENT_TIMEOUT_S = 60


class Settings(BaseSettings):
    """The settings that a server needs before it starts. A token that is not set is generated, and shown by `serve`."""

    model_config = SettingsConfigDict(env_prefix="MOCKLEND_", extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", min_length=1)
    """An address, or a host name."""
    port: int = Field(default=8300, ge=0, le=65535)
    database: str = "mocklend.db"
    """A database's URL, or the path of an SQLite file."""
    workers: int = Field(default=1, ge=1, le=WORKERS_MAX)
    """How many processes serve the database. More than one only on PostgreSQL."""
    ticker: bool = True
    """Whether the server runs the clocks that run by themselves; off only on PostgreSQL, where workers may run them."""
    durability: Literal["full", "fast"] = "full"
    """`fast` may lose the last commits in a power cut. For tests and the demo."""
    default_seed: int = Field(default=1, ge=0, le=2**63 - 1)
    """The seed of the sandbox `default`."""
    default_key: str = Field(default_factory=lambda: "mk_" + secrets.token_urlsafe(24), pattern=r"^[!-~]{8,200}$")
    """The key of the sandbox `default`, from this start on."""
    fault_header: Literal["off", "on"] = "off"
    """`on` lets a client name a fault in its own request, with the header Mocklend-Fault."""
    fault_header_kinds: str = ""
    """The kinds of fault that it may name, comma-separated; all if it is empty."""
    fault_header_max: int = Field(default=50, ge=0, le=200)
    """How many requests of one sandbox may have the header."""
    max_sandboxes: int = Field(default=SANDBOXES_MAX, ge=1)
    """How many sandboxes may exist besides `default`."""
    max_running_clocks: int = Field(default=RUNNING_CLOCKS_MAX, ge=0)
    """How many of their clocks may run by themselves."""
    status_pages: int = Field(default=STATUS_PAGES_MAX, ge=0)
    """How many status pages a server on SQLite keeps in memory, each about 1 KB; with 0 all come from the database."""
    live_streams: int = Field(default=LIVE_STREAMS_MAX, ge=0, le=10_000)
    """How many event streams, as of `GET /-/live/stream`, a process serves at once; further ones are refused 503."""
    redis_url: str = Field(default="", pattern=r"^((redis|rediss|unix)://[^\s]+)?$")
    """A Redis server that keeps status pages for all processes, like `redis://host:6379/0`. Only with PostgreSQL."""
    statement_timeout_s: int = Field(default=STATEMENT_TIMEOUT_S, ge=1, le=3_600)
    """Seconds after which PostgreSQL gives up on a statement; the request is answered 503, and nothing is written."""
    allowed_hosts: str = ""
    """Host names that the server answers to, comma-separated. On loopback they are added to the machine's own names;
    elsewhere every name is allowed if it is empty."""
    callback_allow: str = ""
    """Networks, addresses and host names that webhooks may be sent to although they are not public (on loopback:
    although they are not loopback), comma-separated: `10.1.0.0/16,receiver`."""
    access_log: str = ""
    """A file to which a line of JSON is appended per request, or `-` for standard error. Off if it is empty."""
    control_token: str = Field(default_factory=lambda: secrets.token_urlsafe(24), min_length=8)
    operator_token: str = Field(default_factory=lambda: secrets.token_urlsafe(24), min_length=8)
    channel_token: str = Field(default_factory=lambda: secrets.token_urlsafe(24), min_length=8)
    bureau_token: str = Field(default_factory=lambda: secrets.token_urlsafe(24), min_length=8)

    @property
    def fault_header_kinds_listed(self) -> tuple[str, ...]:
        """The kinds of fault that the header may name; empty for all."""
        return _listed(self.fault_header_kinds)

    @property
    def allowed_hosts_listed(self) -> tuple[str, ...]:
        """The names of `allowed_hosts`."""
        return _listed(self.allowed_hosts)

    @property
    def receivers(self) -> ReceiverPolicy:
        """The policy that says which addresses webhooks are sent to."""
        return ReceiverPolicy(on_loopback=self.on_loopback, allowed=_listed(self.callback_allow))

    @field_validator("callback_allow")
    @classmethod
    def _is_a_list_of_receivers(cls, value: str) -> str:
        ReceiverPolicy(allowed=_listed(value))
        return value

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the server: then no plane requires a credential."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """The server's URL. If the server listens on all addresses of the machine, the URL has one of them."""
        host = _own_address(self.host) if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def _listed(value: str) -> tuple[str, ...]:
    return tuple(name for part in value.split(",") if (name := part.strip()))


def address_of(host: str) -> str:
    """Resolve a host name, to an IPv4 address if it has any. Raises OSError if it cannot be resolved."""
    try:
        addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(0, f"{host[:80]!r} is not a host name") from None
    ipv4 = [address for address in addresses if address[0] is socket.AF_INET]
    return str((ipv4 or addresses)[0][4][0])


def _own_address(wildcard: str) -> str:
    """The address by which others reach this machine; loopback if it has no other."""
    family, beyond, loopback = (
        (socket.AF_INET6, "2001:db8::1", "::1") if ":" in wildcard else (socket.AF_INET, "192.0.2.1", "127.0.0.1")
    )
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            # Connecting a datagram socket sends nothing; it only selects the local address.
            probe.connect((beyond, 9))
            own: str = probe.getsockname()[0]
    except OSError:
        return loopback
    # A link-local address is of no use without the name of the link.
    return loopback if own.startswith("fe80:") else own


def wrong_settings(wrong: ValidationError) -> str:
    """Return a sentence about the invalid settings. It leaves out their values: some are tokens."""
    problems = "; ".join(
        f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in wrong.errors(include_input=False)
    )
    return f"The settings cannot be used: {problems}."
