"""The page Answer key: every injection with the truth and what was served, and the audit when it is asked for."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.pagination import decode_cursor
from mocklend.audit import Audit, audit
from mocklend.console.forms import Filled, read_form
from mocklend.console.visit import open_snapshot, platform, require_teacher, require_truth
from mocklend.domain.finding import CLASSES
from mocklend.domain.problems import Refused
from mocklend.language import message
from mocklend.views.reads import cursor
from mocklend_faults.api.answer_key import ANSWER_KEY, KeyQuery
from mocklend_faults.api.this_layer import layer_of
from mocklend_faults.engine.answer_key import STATUSES, KeyFilter, entries, find, key_page
from mocklend_faults.engine.observed import AuditMatch

key_pages = Blueprint("key", __name__, template_folder="templates")

FILTERS = ("status", "rule", "fault", "loan_id", "cursor")
PAGE = 50
STATUS_NAMES = {
    "pending": message("not visible yet"),
    "active": message("active"),
    "healed": message("healed"),
    "superseded": message("superseded"),
    "masked": message("masked"),
}


@key_pages.before_request
def only_with_the_truth() -> AnyResponse | None:
    """The key is the teacher's until the truth is revealed, and is not shown while the truth is hidden."""
    return require_truth()


@key_pages.get("/key")
def key() -> str:
    """A page of the key, the newest entries first."""
    filled, query = Filled(), KeyQuery()
    try:
        query = read_form(KeyQuery, {name: request.args.get(name) for name in FILTERS})
    except Refused as refused:
        filled = Filled.refused_with(refused)
    return _page(query, filled)


@key_pages.post("/key/audit")
def audited() -> str:
    """The page with an audit of now: it reads every loan, so it is made only when somebody asks for it."""
    require_teacher()
    with open_snapshot() as snapshot:
        made = audit(snapshot)
        match = layer_of(platform()).explain_audit(snapshot, [each.finding for each in made.discrepancies])
        opened = len(entries(snapshot, KeyFilter(status="active")))
    return _page(KeyQuery(), Filled(), made, match, opened)


def _page(
    query: KeyQuery,
    filled: Filled,
    made: Audit | None = None,
    match: AuditMatch | None = None,
    opened: int = 0,
) -> str:
    with open_snapshot() as snapshot:
        after = find(snapshot, decode_cursor(ANSWER_KEY, query.cursor)) if query.cursor is not None else None
        page = key_page(snapshot, query.wanted, after, PAGE + 1, newest_first=True)
        now_ms = snapshot.now_ms
    explained = match.explained_by if match is not None else ()
    return render_template(
        "key.html",
        audit=made,
        classes=CLASSES,
        shown=[entry.to_json() for entry in page[:PAGE]],
        filled=filled,
        next=cursor(ANSWER_KEY, page[PAGE - 1].injection) if len(page) > PAGE else None,
        now_ms=now_ms,
        opened=opened,
        query={name: request.values.get(name, "") for name in FILTERS},
        statuses=STATUSES,
        status_names=STATUS_NAMES,
        unexplained=sum(1 for injection in explained if injection is None),
    )
