"""What a viewer does to a loan: the same commands as over HTTP, without the seam of the answer.

A form carries the Idempotency-Key that its curl has, so a form that is sent twice, or sent beside its curl, acts once.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.idempotency import fingerprint, is_usable
from mocklend.api.problems import field_problem
from mocklend.console.form_fields import body_of, filled_in
from mocklend.console.forms import Filled, curl, sandbox_path
from mocklend.console.loan_forms import FIELD_OF, FORMS, SECTIONS, LoanForm
from mocklend.console.targets import LoanHere, Target, loan_here
from mocklend.console.visit import act, open_snapshot, require_teacher, visit
from mocklend.domain.problems import FieldErrorDoc, Refused
from mocklend.storage.work import Idempotency

action_pages = Blueprint("actions", __name__)

TARGET = "target"
"""The field that says what a form acts on, where that is not the loan."""
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,79}(/(statements|payouts)/[A-Za-z0-9_.\-]{1,80})?")


def fresh_key() -> Idempotency:
    """A key for one form that was sent once."""
    return Idempotency(f"console-{secrets.token_hex(12)}", "")


@action_pages.get("/loans/<loan_id>/operator")
def as_operator(loan_id: str) -> str:
    """What an operator can do to the loan as it is now, by what it is about."""
    require_teacher()
    with open_snapshot() as snapshot:
        here = loan_here(snapshot, loan_id, visit())
        possible = {form: _targets(form, here) for form in FORMS.values() if form.is_possible(here)}
    sections = {
        section: {
            form: offered
            for form, offered in possible.items()
            if form.section == section and (form.targets is None or offered)
        }
        for section in SECTIONS
    }
    return render_template("as_operator.html", borrower=here.borrower, loan=here.loan, sections=sections)


@action_pages.get("/loans/<loan_id>/forms/<operation>")
def form(loan_id: str, operation: str) -> str:
    """A form, filled in as far as the loan and the address say."""
    chosen = _form_of(operation)
    with open_snapshot() as snapshot:
        here = loan_here(snapshot, loan_id, visit())
        values = filled_in(chosen.fields, {**chosen.defaults(here), **request.args}, snapshot.sandbox.zone)
        offered = _targets(chosen, here)
    return _page(chosen, here, Filled(values), offered)


@action_pages.post("/loans/<loan_id>/forms/<operation>")
def send(loan_id: str, operation: str) -> AnyResponse | str | tuple[str, int]:
    """Send the form, or with `show` only show what would be sent."""
    chosen = _form_of(operation)
    with open_snapshot() as snapshot:
        here = loan_here(snapshot, loan_id, visit())
        offered = _targets(chosen, here)
    path, body = _asked(chosen, here, request.form)
    typed = request.form.get("key", "")
    key = typed if is_usable(typed) else fresh_key().key
    try:
        if chosen.targets is not None and not _TARGET.fullmatch(request.form.get(TARGET, "")):
            raise field_problem(TARGET, "one of the list", request.form.get(TARGET))
        command = chosen.command(
            visit().sandbox_id,
            Idempotency(key, fingerprint("POST", path, body)),
            request.form.get(TARGET, "") if chosen.targets is not None else here.loan.id,
            body,
        )
        if "show" in request.form:
            return _page(chosen, here, Filled(request.form.to_dict()), offered, key)
        answer = act(command)
    except Refused as refused:
        return _page(chosen, here, _refused_with(refused, chosen), offered), refused.problem.status
    ref = str(answer.body.get("id", ""))
    return redirect(sandbox_path("loans.loan", loan_id=loan_id, done=operation, ref=ref), 303)


def _form_of(operation: str) -> LoanForm:
    """The form of an operation. Raises Refused `not_found`; `credential_invalid` for a student and a form of staff."""
    chosen = FORMS.get(operation)
    if chosen is None:
        raise Refused("not_found", "there is no form of this operation", expected=sorted(FORMS), received=operation)
    if not chosen.is_of_borrower:
        require_teacher()
    return chosen


def _targets(chosen: LoanForm, here: LoanHere) -> list[Target]:
    return [] if chosen.targets is None else chosen.targets(here)


def _asked(chosen: LoanForm, here: LoanHere, typed: Mapping[str, str]) -> tuple[str, dict[str, object]]:
    """The path and the body of the request."""
    by_name: Mapping[str, object] = {"loan_id": here.loan.id, "borrower_id": here.loan.borrower_id}
    body = {name: by_name[name] for name in chosen.filled}
    body |= body_of(chosen.fields, typed, here.snapshot.sandbox.zone)
    return chosen.address(here.loan.id, typed.get(TARGET, "")), body


def _refused_with(refused: Refused, chosen: LoanForm) -> Filled:
    """The form of this request, with the errors of a refusal; one of a known field stands beside that field."""
    filled = Filled.refused_with(refused)
    about = FIELD_OF.get(refused.code)
    names = [TARGET, *(field.name for field in chosen.fields)]
    named = [name for name in names if name.rpartition(".")[2] == about]
    # In a list: the entry that has what was refused.
    name = next((name for name in named if filled.values.get(name) == refused.received), next(iter(named), None))
    if filled.errors or name is None:
        return filled
    error = FieldErrorDoc(field=name, expected=_listed(refused.expected), received=refused.received)
    return Filled(filled.values, {name: error}, refused)


def _listed(expected: object) -> str:
    if isinstance(expected, Mapping):
        return ", ".join(f"{name} {value}" for name, value in expected.items())
    return ", ".join(map(str, expected)) if isinstance(expected, list | tuple) else str(expected)


def _page(chosen: LoanForm, here: LoanHere, filled: Filled, offered: Sequence[Target], key: str | None = None) -> str:
    key = fresh_key().key if key is None else key
    typed = dict(filled.values)
    if chosen.targets is not None and not typed.get(TARGET) and offered:
        typed[TARGET] = offered[0].id
    path, body = _asked(chosen, here, typed)
    return render_template(
        "form.html",
        borrower=here.borrower,
        command=curl("POST", path, body, key=key),
        filled=filled,
        form=chosen,
        key=key,
        loan=here.loan,
        offered=offered,
        page=here.page,
        path=path,
        shown="show" in request.form,
        target=typed.get(TARGET, ""),
        typed_entries={field.entry for field in chosen.fields if typed.get(field.name)},
    )
