"""The context of a request: its sandbox, its platform, and the credentials for its plane.

On loopback a sandbox key opens every plane; without a key, the sandbox is `default`. Off loopback each plane requires
a token beside the sandbox's key:

        /v1                 Authorization: Bearer <api_key>
        /operator           and X-Mocklend-Operator: <token>
        /channels           and X-Mocklend-Channel: <token>
        /bureau             and X-Mocklend-Bureau: <token>
        /-/                 and X-Mocklend-Control: <token>; no sandbox key where the request concerns no sandbox

A sandbox has a second key, the staff key, which opens every plane but /-/, where the answer key is.

While the truth of a sandbox is hidden, its own key opens of /-/ only what leaves the truth out (`leaves_truth_out`),
also on loopback: the rest needs the control token. What is `for_students`, it opens off loopback without that token.

A request that this process makes of itself names its sandbox in the WSGI environment, which no client can write, and
needs no credential: see `mocklend.scenarios.in_process`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar, cast

from flask import current_app, request

from mocklend.api.json_body import asked_request, wsgi_name
from mocklend.config import Settings
from mocklend.domain.problems import Refused
from mocklend.door import SANDBOX
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import HIDDEN, STAFF
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Answer, Command, Sandbox

EXTENSION = "mocklend"
CREDENTIAL = wsgi_name("Authorization")

INSIDE = "mocklend.inside"
"""In the WSGI environment of a request that this process makes of itself: the id of its sandbox, "" if it has none."""

PLANES = {
    "/-/": ("X-Mocklend-Control", "control_token"),
    "/operator/": ("X-Mocklend-Operator", "operator_token"),
    "/channels": ("X-Mocklend-Channel", "channel_token"),
    "/bureau": ("X-Mocklend-Bureau", "bureau_token"),
}
"""The header that each plane requires off loopback, and the setting that holds its token."""

V = TypeVar("V", bound=Callable[..., object])
WITHOUT_TRUTH = "_leaves_truth_out"
FOR_STUDENTS = "_for_students"

STAFF_MAY_READ = ("/-/health", "/-/clock")
"""The paths of the control plane that a staff key may read."""

OPEN = ("/-/health", "/docs", "/openapi.json")
"""The paths that need no credential: health and documentation."""


@dataclass(frozen=True, slots=True)
class Served:
    """The platform that an app serves, and its settings."""

    platform: Platform
    settings: Settings


def served() -> Served:
    """The platform and settings of this app."""
    return cast(Served, current_app.extensions[EXTENSION])


def current_platform() -> Platform:
    """The platform of this app."""
    return served().platform


def run(command: Command) -> Answer:
    """Run a command and return its answer. Raises Refused."""
    return served().platform.run(command)


def sandbox_id() -> str:
    """The sandbox of the request's key; on loopback without a key: `default`.

    Refused `credential_missing` or `credential_invalid`.
    """
    incoming = asked_request()
    if incoming.sandbox_id is None:
        named: str = incoming.environ.get(INSIDE, "")
        incoming.sandbox_id = incoming.environ[SANDBOX] = (
            current_platform().known.named(named) if named else _sandbox_of(incoming.environ.get(CREDENTIAL))
        )
        current_platform().uses.note(incoming.sandbox_id)
    return incoming.sandbox_id


def _sandbox_of(credential: str | None) -> str:
    if credential is None:
        if served().settings.on_loopback:
            return current_platform().known.default()
        raise Refused(
            "credential_missing",
            "the request has no sandbox key",
            expected="Authorization: Bearer <the sandbox's api_key>",
        )
    scheme, _, key = credential.partition(" ")
    if scheme.lower() == "bearer" and key.isascii() and key.isprintable() and 0 < len(key) <= 200:
        key = key.strip()
        sandbox = (
            current_platform().sandbox_of_staff(key)
            if key.startswith(STAFF)
            else current_platform().sandbox_of_key(key)
        )
        if sandbox is not None:
            return sandbox
    raise Refused(
        "credential_invalid", "no sandbox has this key", expected="Authorization: Bearer <the sandbox's api_key>"
    )


def is_of_staff() -> bool:
    """Whether the request's key is a staff key."""
    credential: str = request.environ.get(CREDENTIAL, "")
    return credential.partition(" ")[2].strip().startswith(STAFF)


def shows_truth(sandbox: Sandbox) -> bool:
    """Whether the request may see what really happened in its sandbox: a staff key never, see above for others."""
    if is_of_staff():
        return False
    return sandbox.truth != HIDDEN or holds_control()


def holds_control() -> bool:
    """Whether the request has the control token, which nobody needs on loopback while the truth is shown."""
    offered = request.headers.get("X-Mocklend-Control", "")
    return hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), served().settings.control_token.encode())


def truth_hidden(detail: str) -> Refused:
    """The refusal of what only the control token may see or do."""
    return Refused("truth_hidden", detail, expected="X-Mocklend-Control: <token>")


def leaves_truth_out(view: V) -> V:
    """Mark a view of the control plane whose answer says nothing of the truth to whoever may not see it."""
    setattr(view, WITHOUT_TRUTH, True)
    return view


def for_students(view: V) -> V:
    """Mark a view of the control plane that the key of a sandbox with a hidden truth opens alone, also off loopback.

    It says nothing of the truth then: see `leaves_truth_out`.
    """
    setattr(view, FOR_STUDENTS, True)
    return view


def _is_students() -> bool:
    """Whether this is a view for students, and the key that of a sandbox whose truth is hidden."""
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, FOR_STUDENTS, False) or CREDENTIAL not in request.environ:
        return False
    with open_snapshot() as snapshot:
        return snapshot.sandbox.truth == HIDDEN


def guard_truth() -> None:
    """Before each request to the control plane: refuse what shows a hidden truth.

    Refused `truth_hidden`. By default everything is refused, so that an endpoint that is new hides what it shows.
    """
    if request.url_rule is None or not request.url_rule.rule.startswith("/-/"):
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, WITHOUT_TRUTH, False):
        refuse_hidden_truth(f"{request.method} {request.url_rule.rule} shows it")


def refuse_hidden_truth(detail: str) -> None:
    """Raise Refused `truth_hidden` if the sandbox hides its truth, and the request has not the control token."""
    if holds_control():
        return
    with open_snapshot() as snapshot:
        if snapshot.sandbox.truth == HIDDEN:
            raise truth_hidden(detail)


def open_snapshot() -> AbstractContextManager[Snapshot]:
    """A snapshot of the request's sandbox. Raises Refused `sandbox_unknown`."""
    return current_platform().snapshot(sandbox_id())


def guard_planes() -> None:
    """Before each request: check the plane's token off loopback, and refuse a staff key on the control plane.

    Refused `key_of_staff`, `credential_missing` or `credential_invalid`.
    """
    settings = served().settings
    address = request.url_rule.rule if request.url_rule else request.path
    if (
        address.startswith("/-/")
        and is_of_staff()
        and (address not in STAFF_MAY_READ or request.method not in ("GET", "HEAD"))
    ):
        raise Refused("key_of_staff", f"{request.method} {address} is not for staff", expected="the api_key")
    if settings.on_loopback or address.startswith(OPEN) or INSIDE in request.environ:
        return
    for prefix, (header, setting) in PLANES.items():
        if address.startswith(prefix):
            offered = request.headers.get(header)
            if offered is None and _is_students():
                return
            if offered is None:
                raise Refused("credential_missing", f"{prefix} requires its own token", expected=f"{header}: <token>")
            token: str = getattr(settings, setting)
            if not hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), token.encode()):
                raise Refused("credential_invalid", "the token is wrong", expected=f"{header}: <token>")
