"""An operator enters another amount than intended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.operator_edit import OperatorEdit
from mocklend_faults.engine.fault import Fault, setting

DIGITS_SWAPPED, YUAN_FOR_FEN, SIGN_FLIPPED, ANY = "digits_swapped", "yuan_for_fen", "sign_flipped", "any"
SLIPS = (DIGITS_SWAPPED, YUAN_FOR_FEN, SIGN_FLIPPED)


@dataclass(frozen=True, slots=True)
class WrongAmount(Fault):
    """An operator corrects a bill by hand and mistypes the amount.

    Two digits are swapped, yuan are entered in a field for fen, or the minus of a waiver is forgotten. The form accepts
    any number and the books balance with any amount, so the borrower owes an amount that nobody decided. Only the
    written order shows the intended amount. Reverse the edit and post the right one.
    """

    name: ClassVar[str] = "operator.wrong_amount"
    title: ClassVar[str] = "A clerk types a wrong amount"
    finding: ClassVar[str] = "amount_mismatch"
    precondition: ClassVar[str] = "An edit with an amount, whose mistyped amount would also be accepted."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "another amount than the intended one",
        "list": "the same",
        "instalments": "the same",
        "books": "an edit with another amount than the intended one",
        "console": "the amount that was entered",
    }
    heals: ClassVar[str] = "Reversing the edit."
    action: ClassVar[str] = "Reverse the edit and post the right amount."

    slip: str = setting(
        DIGITS_SWAPPED,
        "Two neighbouring digits swapped, 100 times the amount, the sign flipped, or any: one of them, by the amount.",
        options=(*SLIPS, ANY),
    )

    def operator_edit(self, event: OperatorEdit) -> OperatorEdit:
        """Enter the mistyped amount, if the form accepts it; else the intended one."""
        intended = event.amount_minor
        if intended is None:
            return event
        for slip in self._slips(intended):
            typed = slipped(intended, slip)
            if typed not in (0, intended) and event.amount_minor_min <= typed <= event.amount_minor_max:
                return replace(event, amount_minor=typed)
        return event

    def _slips(self, intended: int) -> tuple[str, ...]:
        if self.slip != ANY:
            return (self.slip,)
        first = abs(intended) % len(SLIPS)
        return SLIPS[first:] + SLIPS[:first]


def slipped(intended: int, slip: str) -> int:
    """The mistyped amount; the intended amount if this slip does not change it."""
    if slip == YUAN_FOR_FEN:
        return intended * 100
    if slip == SIGN_FLIPPED:
        return -intended
    return (-1 if intended < 0 else 1) * _swapped(str(abs(intended)))


def _swapped(digits: str) -> int:
    """Swap the first two neighbouring digits that differ; a pair that would put a zero first only if none else does."""
    pairs = [n for n in range(len(digits) - 1) if digits[n] != digits[n + 1]]
    pairs.sort(key=lambda n: n == 0 and digits[1] == "0")
    for n in pairs[:1]:
        digits = digits[:n] + digits[n + 1] + digits[n] + digits[n + 2 :]
    return int(digits)
