"""Creates the console's app: its pages, the frame around them, and the headers that let no page ask another origin."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from urllib.parse import quote

from flask import Flask, Response, current_app, g, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from mocklend.config import Settings
from mocklend.console import actions, alerts, clock_bar, ledger, live, loans, messages, sandboxes, sign_in
from mocklend.console.forms import curl, sandbox_path, with_query
from mocklend.console.frame import current_frame
from mocklend.console.guards import (
    limit_body,
    refuse_other_origins,
    refuse_unstorable_address,
    refuse_unstorable_form,
)
from mocklend.console.navigation import GROUPS, pages_of, sorted_entries
from mocklend.console.visit import EXTENSION, Console, begin_visit, console, keep_choices, visit
from mocklend.console.words import PRODUCT, SIGNS
from mocklend.domain.problems import Refused
from mocklend.language import available
from mocklend.logs import get_logger
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ENTRIES = "mocklend.console.entries"
BLUEPRINTS = (
    *(loans.loan_pages, actions.action_pages, ledger.ledger_pages, live.live_pages),
    *(messages.message_pages, alerts.alert_pages, sandboxes.sandbox_pages, clock_bar.clock_pages),
)

log = get_logger()


def create_console(platform: Platform, settings: Settings) -> Flask:
    """Create the console of a platform."""
    app = Flask("mocklend.console", static_folder=str(HERE / "static"), static_url_path="/console/static")
    app.template_folder = str(HERE / "templates")
    app.extensions[EXTENSION] = Console(platform, settings)
    app.config.update(SEND_FILE_MAX_AGE_DEFAULT=86_400)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.before_request(limit_body)
    app.before_request(refuse_other_origins)
    app.before_request(refuse_unstorable_address)
    app.before_request(begin_visit)
    app.before_request(refuse_unstorable_form)
    app.after_request(keep_choices)
    app.after_request(guard)
    app.context_processor(frame)
    app.register_error_handler(Refused, refused_page)
    app.register_error_handler(HTTPException, http_error_page)
    app.register_error_handler(Exception, failure_page)
    app.add_url_rule("/", "home", home)
    app.add_url_rule("/console", "console_home", home)
    sign_in.register(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint, url_prefix="/console/<sandbox>")
    layers = tuple(pages_of(platform.layer))
    for pages in layers:
        for blueprint in pages.blueprints:
            app.register_blueprint(blueprint, url_prefix="/console/<sandbox>")
    app.extensions[ENTRIES] = sorted_entries(layers)
    app.extensions[live.BELOW] = [pages.below_live for pages in layers if pages.below_live]
    return app


def home() -> AnyResponse:
    """`/`: the first page of the sidebar, in the viewer's sandbox."""
    here, entries = visit(), current_app.extensions[ENTRIES]
    first = next(entry.endpoint for entry in entries if here.shows_truth or not entry.shows_truth)
    return redirect(with_query(url_for(first, sandbox=here.student_of or DEFAULT), request.args.to_dict()))


def frame() -> dict[str, object]:
    """What every template has: the visit, its language and formats, the sidebar, the clock."""
    if "visit" not in g:
        begin_visit()
    here = visit()
    context: dict[str, object] = {
        "_": here.html,
        "asset": asset,
        "command_of": curl,
        "endpoints": current_app.view_functions,
        "f": g.formats,
        "groups": GROUPS,
        "here": here_with,
        "languages": available(),
        "product_names": PRODUCT,
        "on_loopback": console().settings.on_loopback,
        "reads_itself": console().settings.on_loopback and here.sandbox_id == DEFAULT,  # A link sends no key.
        "signs": SIGNS,
        "visit": here,
    }
    shown = here.shows_truth
    context["entries"] = [
        entry
        for entry in current_app.extensions[ENTRIES]
        if entry.is_for(shows_truth=shown, is_teacher=here.is_teacher)
    ]
    if not here.signed_in:  # Whoever has not signed in sees of no sandbox that it is there.
        return context | {"entries": [], "sandbox": None, "clock": None, "figures": {}}
    try:
        read = current_frame()
        context.update(f=g.formats, sandbox=read.sandbox, clock=read.clock, figures=read.figures, moved=read.moved)
        context["next_due"] = read.next
    except Refused:
        context.update(sandbox=None, clock=None, figures={})
    return context


def here_with(**choices: str) -> str:
    """This page's address with other query parameters."""
    if request.endpoint is None or request.method != "GET":
        return with_query(sandbox_path("loans.loans"), choices)
    return with_query(quote(request.path), {**request.args.to_dict(), **choices})


@cache
def asset(name: str) -> str:
    """The address of a static file, with a part of its hash: a changed file is another address."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()
    return f"/console/static/{name}?v={digest[:12]}"


def guard(response: Response) -> Response:
    """After each page: it loads nothing from elsewhere, and no cache keeps it."""
    response.headers.setdefault("Content-Security-Policy", POLICY)  # A report has a narrower one.
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept-Language, Cookie"
        response.headers["Content-Language"] = visit().language.tag if "visit" in g else "en"
    return response


def refused_page(refused: Refused) -> tuple[str, int]:
    """The page of a refusal: what came, what was expected, what to do."""
    return render_template("problem.html", problem=refused.problem, refused=refused), refused.problem.status


def http_error_page(error: HTTPException) -> tuple[str, int]:
    """The page of an address or a method that there is not, or of a form that is too long."""
    status = error.code or 500
    if status == 413:
        most = request.max_content_length
        received = request.content_length or f"more than {most}"
        refused = Refused("body_too_large", f"the form has more than {most} bytes", expected=most, received=received)
    else:
        code = "method_not_allowed" if status == 405 else "not_found"
        refused = Refused(code, error.description or "", received=request.path[:200])
    return render_template("problem.html", problem=refused.problem, refused=refused), status


def failure_page(failure: Exception) -> tuple[str, int]:
    """The page of a failure of ours, with what its log line says."""
    log.error("a console page failed", path=request.path, exc_info=failure)
    return render_template("failure.html"), 500
