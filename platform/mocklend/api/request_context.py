"""Who is asking: which sandbox a request is about, and whether it may enter the plane that it asks for.

On loopback nobody else can ask, so a sandbox key (or none: the sandbox `default`) opens every plane. Anywhere else each
plane has a credential of its own, beside the sandbox's key:

        /v1                 Authorization: Bearer <api_key>
        /operator           and X-Mocklend-Operator: <token>
        /channels           and X-Mocklend-Channel: <token>
        /-/                 and X-Mocklend-Control: <token>; no sandbox key where no sandbox is meant

A sandbox has a second key, for those who may not see its answer key: the staff key opens every plane but /-/.
"""

from __future__ import annotations

import hmac
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

from flask import current_app, request

from mocklend.api.json_body import asked_request, wsgi_name
from mocklend.config import Settings
from mocklend.domain.problems import Refused
from mocklend.door import SANDBOX
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT, STAFF
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Answer, Command

EXTENSION = "mocklend"
CREDENTIAL = wsgi_name("Authorization")

PLANES = {
    "/-/": ("X-Mocklend-Control", "control_token"),
    "/operator/": ("X-Mocklend-Operator", "operator_token"),
    "/channels": ("X-Mocklend-Channel", "channel_token"),
    "/bureau": ("X-Mocklend-Bureau", "bureau_token"),
}
"""The header that each plane asks for off loopback, and the setting that holds its token."""

STAFF_MAY_READ = ("/-/health", "/-/clock")
"""What a staff key may read of the control plane."""

OPEN = ("/-/health", "/docs", "/openapi.json")
"""What anybody may see: that the server is up, and how to talk to it."""


@dataclass(frozen=True, slots=True)
class Served:
    """What an app is about: the platform and its settings."""

    platform: Platform
    settings: Settings


def served() -> Served:
    """What this app serves."""
    return cast(Served, current_app.extensions[EXTENSION])


def current_platform() -> Platform:
    """The platform."""
    return served().platform


def run(command: Command) -> Answer:
    """Carry out a command. Raises Refused."""
    return served().platform.run(command)


def sandbox_id() -> str:
    """The sandbox that the request's API key opens, or on loopback without a key `default`."""
    asked = asked_request()
    if asked.sandbox_id is None:
        asked.sandbox_id = asked.environ[SANDBOX] = _sandbox_of(asked.environ.get(CREDENTIAL))
        current_platform().use(asked.sandbox_id)
    return asked.sandbox_id


def _sandbox_of(credential: str | None) -> str:
    if credential is None:
        if served().settings.on_loopback:
            return DEFAULT
        raise Refused(
            "credential_missing",
            "the request names no sandbox",
            expected="Authorization: Bearer <the sandbox's api_key>",
        )
    scheme, _, key = credential.partition(" ")
    if scheme.lower() == "bearer" and key.isascii() and key.isprintable() and 0 < len(key) <= 200:
        key = key.strip()
        found = (
            current_platform().sandbox_of_staff(key)
            if key.startswith(STAFF)
            else current_platform().sandbox_of_key(key)
        )
        if found is not None:
            return found
    raise Refused(
        "credential_invalid", "no sandbox has this key", expected="Authorization: Bearer <the sandbox's api_key>"
    )


def _is_of_staff(credential: str) -> bool:
    return credential.partition(" ")[2].strip().startswith(STAFF)


def open_snapshot() -> AbstractContextManager[Snapshot]:
    """A snapshot of the request's sandbox. Raises Refused `sandbox_unknown`."""
    return current_platform().snapshot(sandbox_id())


def guard_planes() -> None:
    """Before each request: off loopback a plane asks for its token, and nowhere does a staff key open the last one."""
    settings = served().settings
    address = request.url_rule.rule if request.url_rule else request.path
    if (
        address.startswith("/-/")
        and _is_of_staff(request.environ.get(CREDENTIAL, ""))
        and (address not in STAFF_MAY_READ or request.method not in ("GET", "HEAD"))
    ):
        raise Refused("key_of_staff", f"{request.method} {address} is not for staff", expected="the api_key")
    if settings.on_loopback or address.startswith(OPEN):
        return
    for prefix, (header, setting) in PLANES.items():
        if address.startswith(prefix):
            offered = request.headers.get(header)
            if offered is None:
                raise Refused(
                    "credential_missing", f"{prefix} has a credential of its own", expected=f"{header}: <token>"
                )
            token: str = getattr(settings, setting)
            if not hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), token.encode()):
                raise Refused("credential_invalid", "the token is not this server's", expected=f"{header}: <token>")
