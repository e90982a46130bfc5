"""An operator means one amount and types another."""

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
    """An operator corrects a bill by hand, and the hand slips.

    Two digits change places, the field wants fen and the head thinks in yuan, or the minus of a waiver is forgotten.
    The form takes it, since it is a number; the books balance, since they always do; and the borrower owes something
    that nobody decided. Only the paper on the desk says what was meant. Reverse the edit and post the right one.
    """

    name: ClassVar[str] = "operator.wrong_amount"
    finding: ClassVar[str] = "amount_mismatch"
    precondition: ClassVar[str] = "An edit with an amount whose slip would still be taken."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "another amount than was decided",
        "list": "the same",
        "instalments": "the same",
        "books": "an edit with another amount than was meant",
        "console": "the amount that was typed",
    }
    heals: ClassVar[str] = "Reversing the edit."
    action: ClassVar[str] = "Reverse the edit and post the right amount."

    slip: str = setting(
        DIGITS_SWAPPED,
        "Two neighbouring digits swapped, 100 times the amount, the sign flipped, or whichever the amount suggests.",
        options=(*SLIPS, ANY),
    )

    def operator_edit(self, event: OperatorEdit) -> OperatorEdit:
        """Another amount that the form would take. Where the slip gives none, the right one is typed after all."""
        meant = event.amount_minor
        if meant is None:
            return event
        for slip in self._slips(meant):
            typed = slipped(meant, slip)
            if typed not in (0, meant) and event.amount_minor_min <= typed <= event.amount_minor_max:
                return replace(event, amount_minor=typed)
        return event

    def _slips(self, meant: int) -> tuple[str, ...]:
        if self.slip != ANY:
            return (self.slip,)
        first = abs(meant) % len(SLIPS)
        return SLIPS[first:] + SLIPS[:first]


def slipped(meant: int, slip: str) -> int:
    """What is typed instead; the same amount where this slip cannot happen to it."""
    if slip == YUAN_FOR_FEN:
        return meant * 100
    if slip == SIGN_FLIPPED:
        return -meant
    return (-1 if meant < 0 else 1) * _swapped(str(abs(meant)))


def _swapped(digits: str) -> int:
    """The first two neighbours that differ change places, rather ones that put no zero in front: 1250 is 2150."""
    pairs = [n for n in range(len(digits) - 1) if digits[n] != digits[n + 1]]
    pairs.sort(key=lambda n: n == 0 and digits[1] == "0")
    for n in pairs[:1]:
        digits = digits[:n] + digits[n + 1] + digits[n] + digits[n + 2 :]
    return int(digits)
