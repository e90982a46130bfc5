"""The outcomes that a seam allows: any other raises an error that names fault, seam and field."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from mocklend.client import Doc
from mocklend.seams import SEAMS
from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.loan_opened import LoanOpened
from mocklend.seams.operator_edit import OperatorEdit
from mocklend.seams.outcome import BadOutcome, check_outcome
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.seam import EventContext, Seam
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.catalogue import BadKind
from mocklend_faults.engine.deciding import FaultBroke, changed
from mocklend_faults.engine.fault import Fault, method_of
from mocklend_faults.engine.rules import Rule
from support.events import example
from support.layer_harness import DROP, LAG, MARK, SLIP, LayerHarness

BAD: list[tuple[type[Seam], dict[str, Any], str]] = [
    (ViewRefresh, {"loan_id": "loan_bob"}, "loan_id"),
    (ViewRefresh, {"lag_s": "60"}, "lag_s"),
    (ViewRefresh, {"lag_s": True}, "lag_s"),
    (ViewRefresh, {"lag_s": None}, "lag_s"),
    (ViewRefresh, {"lost": 1}, "lost"),
    (OperatorEdit, {"amount_minor": 0}, "amount_minor"),
    (OperatorEdit, {"amount_minor": 10**18}, "amount_minor"),
    (OperatorEdit, {"amount_minor": None}, "amount_minor"),
    (LoanOpened, {"residue_minor": 10**18}, "residue_minor"),
    (RepaymentFiled, {"override_status": "CLEAR"}, "override_status"),  # As the books have it.
    (RepaymentFiled, {"override_status": "GONE"}, "override_status"),
    (CallbackAttempt, {"altered": "wrong_day"}, "altered"),
    (ApiAnswer, {"answer_code": "no_such_code"}, "answer_code"),
    (ApiAnswer, {"break_how": "slowly"}, "break_how"),
]


def fault_that(event: Seam, outcome: object) -> Rule:
    """A rule whose fault returns this outcome for any event at the seam."""
    kind = type("Wrong", (Fault,), {"name": "test.wrong", method_of(event.seam): lambda self, event: outcome})
    return Rule("r", kind())


@pytest.mark.parametrize(("seam", "changes", "field"), BAD)
def test_an_outcome_that_the_seam_does_not_allow_raises_and_names_the_field(
    seam: type[Seam], changes: Doc, field: str
) -> None:
    honest = seam.example()

    with pytest.raises(FaultBroke, match=rf"test\.wrong of rule r broke at {honest.seam} .*BadOutcome: set {field} to"):
        changed(EventContext("sbx", 7, 0), fault_that(honest, replace(honest, **changes)), honest)


def test_an_outcome_of_another_type_raises() -> None:
    with pytest.raises(FaultBroke, match="set the event to None"):
        changed(EventContext("sbx", 7, 0), fault_that(example(ViewRefresh), None), example(ViewRefresh))


def test_outcomes_are_checked_without_asserts_too() -> None:
    code = (
        "from mocklend.seams.batch_item import BatchItem\n"
        "from mocklend.seams.outcome import check_outcome\n"
        "from dataclasses import replace\n"
        "event = BatchItem.example()\n"
        "check_outcome(event, replace(event, runs='twice'))\n"
    )
    ran = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=False)

    assert "BadOutcome: set runs to 'twice'; the platform accepts a value of int" in ran.stderr


@pytest.mark.parametrize("seam", SEAMS.values(), ids=SEAMS)
def test_every_seam_accepts_its_own_defaults(seam: type[Seam]) -> None:
    """The types of every field that a fault may change can be told, and an honest outcome is well-formed."""
    check_outcome(seam.example(), replace(seam.example()))


def test_the_errors_are_not_assertion_errors() -> None:
    """`python -O` strips assertions, and a test runner takes an AssertionError for a failed test of its own."""
    assert not any(issubclass(error, AssertionError) for error in (BadOutcome, BadKind, FaultBroke))


@pytest.mark.parametrize(
    ("fault", "seam"), [(LAG, ViewRefresh), (DROP, CallbackAttempt), (SLIP, OperatorEdit), (MARK, RepaymentFiled)]
)
def test_over_a_thousand_loans_each_fault_hits_about_half(harness: LayerHarness, fault: str, seam: type[Seam]) -> None:
    harness.arm("rule", fault, select={"probability": 0.5})

    harness.group(*(example(seam, entity=f"e{n}", loan_id=f"e{n}", **_own(seam, n)) for n in range(1000)))

    assert abs(harness.counted("rule")[3] / 1000 - 0.5) < 0.05


def _own(seam: type[Seam], n: int) -> dict[str, str]:
    own = {"repayment_id": f"r{n}", "edit_id": f"edt_{n}"}
    return {name: value for name, value in own.items() if name in seam.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Raises(Fault):
    """A fault that divides by zero."""

    name: ClassVar[str] = "test.raises"
    finding: ClassVar[str] = "stale_view"

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        return replace(event, lag_s=1 // event.lag_s)


@dataclass(frozen=True, slots=True)
class Meddles(Fault):
    """A fault that changes the operator of an edit."""

    name: ClassVar[str] = "test.meddles"
    finding: ClassVar[str] = "amount_mismatch"

    def operator_edit(self, event: OperatorEdit) -> OperatorEdit:
        return replace(event, loan_id="loan_bob")


@pytest.mark.parametrize(("kind", "seam"), [(Raises, ViewRefresh), (Meddles, OperatorEdit)])
def test_an_exception_in_a_fault_breaks_the_run_and_names_fault_seam_and_rule(
    harness: LayerHarness, kind: type[Fault], seam: type[Seam]
) -> None:
    harness.layer = FaultLayer([kind])
    harness.arm("broken", kind.name)

    with pytest.raises(FaultBroke, match=f"{kind.name} of rule broken .* of loan_ada, occurrence ., seed 7"):
        harness.meet(seam.example())
