"""Who looks at a page: the language, the look, the sandbox, and whether the truth may be shown.

Language, theme and projector come from the query once (`?lang=zh`), and from cookies afterwards. Off loopback a cookie
also says who signed in: a teacher with the control token, or a student with a sandbox's key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from flask import Request, Response, current_app, g, redirect, request, url_for
from markupsafe import Markup

from mocklend.api.asked import AskedOfApp
from mocklend.config import Settings
from mocklend.console.field_errors import expected_text, wrong_text
from mocklend.console.formats import Formats
from mocklend.console.mount import ASKED
from mocklend.domain.problems import FieldErrorDoc, Refused
from mocklend.language import Language, accepted, available, html, translate
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT, REVEALED
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Answer, Command
from mocklend.validation import is_storable

EXTENSION = "mocklend.console"
SESSION = "mocklend_console"
"""The cookie of a viewer who has signed in."""
CHOICES = {
    "lang": tuple(language.value for language in Language),
    "theme": ("light", "dark", "system"),
    "projector": ("on", "off"),
    "truth": ("shown", "hidden"),
}
"""Query parameters that are kept in a cookie of the same name, and their values."""
COOKIE_S = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Console:
    """What the console shows: a platform, and the settings that say who may see it."""

    platform: Platform
    settings: Settings


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page. `student_of` is the only sandbox of a viewer who signed in with its key.

    `revealed`: its truth was hidden from the viewer, and is not any more.
    """

    sandbox_id: str
    language: Language
    theme: str
    projector: bool
    truth: bool
    student_of: str | None
    revealed: bool = False
    signed_in: bool = True

    @property
    def is_teacher(self) -> bool:
        """Whether the viewer may see every sandbox, move clocks and arm rules."""
        return self.signed_in and self.student_of is None

    @property
    def may_show_truth(self) -> bool:
        """Whether the viewer may have pages say what really happened: a teacher, or anybody once it was revealed."""
        return self.is_teacher or self.revealed

    @property
    def shows_truth(self) -> bool:
        """Whether the page says what really happened: the viewer may see it, and has not hidden it."""
        return self.truth and self.may_show_truth

    def text(self, english: str, /, **values: object) -> str:
        """A text in the viewer's language."""
        return translate(self.language, english, **values)

    def html(self, english: str, /, **values: object) -> Markup:
        """A text in the viewer's language for a template: values are escaped, unless they are markup."""
        return html(self.language, english, **values)

    def wrong(self, error: FieldErrorDoc) -> Markup:
        """What is wrong with a field: what was expected, and what was received."""
        text, received = wrong_text(error)
        shown = Markup("<code>{}</code>").format(received)
        return self.html(text, expected=expected_text(self.language, error["expected"]), received=shown)


def console() -> Console:
    """The console of this app."""
    return cast(Console, current_app.extensions[EXTENSION])


def platform() -> Platform:
    """The platform that this app shows."""
    return console().platform


def visit() -> Visit:
    """The visit that this request is."""
    return cast(Visit, g.visit)


def formats() -> Formats:
    """How numbers, money and times are written for this visit: in the zone of the sandbox."""
    return cast(Formats, g.formats)


def act(command: Command) -> Answer:
    """Run a command for the viewer. The request log has it as what cannot be repeated. Raises Refused."""
    answer = platform().run(command)
    log: AskedOfApp | None = request.environ.get(ASKED)
    if log is not None:
        log.acted(command.sandbox_id, request.path, platform().real_ms())
    return answer


@contextmanager
def open_snapshot() -> Iterator[Snapshot]:
    """A snapshot of the visited sandbox. A page that is looked at gets its frame from its first one.

    Raises Refused `sandbox_unknown`.
    """
    with platform().snapshot(visit().sandbox_id) as snapshot:
        if "frame" not in g and request.method in ("GET", "HEAD"):
            from mocklend.console.frame import read_frame

            g.frame = read_frame(snapshot)
        yield snapshot


def require_truth() -> Response | None:
    """Before a page that shows the truth. Raises Refused `truth_hidden` for a student from whom it is hidden.

    Returns the way to the loans for a teacher who hides it, as on a projector.
    """
    here = visit()
    if here.shows_truth:
        return None
    if not here.is_teacher:
        raise Refused("truth_hidden", "this page shows it", expected="the control token")
    return cast(Response, redirect(url_for("loans.loans", sandbox=here.sandbox_id), 303))


def require_teacher() -> None:
    """Raises Refused `credential_invalid` for a student: clocks, rules and the truth are the teacher's."""
    if not visit().is_teacher:
        raise Refused("credential_invalid", "this is for who has the control token", expected="the control token")


def begin_visit() -> Response | None:
    """Before each page: who is it? Returns the page to sign in at, off loopback, for a viewer who has not yet."""
    from mocklend.console.sign_in import sign_in_page

    sandbox_id = (request.view_args or {}).pop("sandbox", None)
    who = who_signed_in(console().settings, platform(), request.cookies.get(SESSION, ""))
    g.visit = Visit(
        sandbox_id=sandbox_id or who.sandbox_id or _sandbox_of_path(who) or DEFAULT,
        language=_language(request),
        theme=_chosen("theme", "system"),
        projector=_chosen("projector", "off") == "on",
        truth=_chosen("truth", "shown") == "shown",
        student_of=None if who.is_teacher else who.sandbox_id,
        signed_in=who.signed_in,
        revealed=who.sandbox_id is not None and _is_revealed(who.sandbox_id),
    )
    g.formats = Formats(g.visit.language, "UTC")
    if request.endpoint in OPEN_TO_ALL or request.endpoint is None:
        return None
    if not who.signed_in:
        return sign_in_page()
    if g.visit.student_of not in (None, g.visit.sandbox_id):
        raise Refused("credential_invalid", "this viewer may see another sandbox only", expected=g.visit.student_of)
    return None


def _is_revealed(sandbox_id: str) -> bool:
    try:
        with platform().snapshot(sandbox_id) as snapshot:
            return snapshot.sandbox.truth == REVEALED
    except Refused:  # It is gone, or is being emptied: the page says so.
        return False


def _sandbox_of_path(who: SignedIn) -> str | None:
    """The sandbox of a path that no page has, for a teacher; None if there is no such sandbox."""
    _, _, rest = request.path.partition("/console/")
    name = rest.partition("/")[0]
    if request.endpoint is not None or not who.is_teacher or not name or not is_storable(name):
        return None
    try:
        with platform().snapshot(name):
            return name
    except Refused:
        return None


OPEN_TO_ALL = frozenset({"static", "sign_in", "sign_out"})
"""Endpoints that need no sign-in."""


def keep_choices(response: Response) -> Response:
    """After each page: keep the viewer's choices in cookies."""
    for name, values in CHOICES.items():
        if request.args.get(name) in values:
            response.set_cookie(
                f"mocklend_{name}", request.args[name], max_age=COOKIE_S, samesite="Strict", httponly=True, path="/"
            )
    return response


def _chosen(name: str, otherwise: str) -> str:
    for value in (request.args.get(name), request.cookies.get(f"mocklend_{name}")):
        if value in CHOICES[name]:
            return value or otherwise
    return otherwise


def _language(incoming: Request) -> Language:
    chosen = _chosen("lang", "")
    language = Language(chosen) if chosen else accepted(incoming.headers.get("Accept-Language"))
    return language if language in available() else Language.EN


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a session's cookie stands for; `sandbox_id` is that of a student."""

    signed_in: bool
    is_teacher: bool
    sandbox_id: str | None = None


def who_signed_in(settings: Settings, served: Platform, cookie: str) -> SignedIn:
    """On loopback everybody is the teacher. Elsewhere the cookie says it."""
    if settings.on_loopback:
        return SignedIn(signed_in=True, is_teacher=True)
    if hmac.compare_digest(cookie.encode(), teachers_cookie(settings).encode()):
        return SignedIn(signed_in=True, is_teacher=True)
    sandbox_id = served.sandbox_of_key(cookie) if cookie else None
    return SignedIn(signed_in=sandbox_id is not None, is_teacher=False, sandbox_id=sandbox_id)


def teachers_cookie(settings: Settings) -> str:
    """The cookie of who has shown the control token. The token cannot be read from it."""
    return hmac.new(settings.control_token.encode(), b"console", hashlib.sha256).hexdigest()
