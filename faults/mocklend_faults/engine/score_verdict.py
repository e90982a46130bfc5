"""The verdict of a score: what a reconciler has to reach, and the reasons why it did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction

from mocklend_faults.engine.sentences import Sentence, sentence

PASS, FAIL, INCONCLUSIVE = "PASS", "FAIL", "INCONCLUSIVE"
TOO_LOW = {
    name: f"{name} is {{value}}, and at least {{minimum}} is required"
    for name in ("precision", "recall", "f1", "kind_accuracy", "amount_accuracy")
}
"""By the name of a ratio: each is a text of its own, so that the name is translated, too."""
MONEY_TOO_LOW = "money recall in {currency} is {value}, and at least {minimum} is required"
HARMFUL = "{count} repairs made correct books wrong, and at most {allowed} are allowed"
NOTHING_DEMANDED = "the answer key demands nothing in this window"
SILENT = "{count} rules never injected: {rules}"
REASONS = (*TOO_LOW.values(), MONEY_TOO_LOW, HARMFUL, NOTHING_DEMANDED, SILENT)
"""The texts of all reasons."""
LISTED_MAX = 10


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a reconciler has to reach. None demands nothing; a ratio of 0 to 0 is never too low."""

    precision_min: Decimal | None = Decimal(1)
    recall_min: Decimal | None = Decimal(1)
    f1_min: Decimal | None = None
    kind_accuracy_min: Decimal | None = None
    amount_accuracy_min: Decimal | None = None
    money_recall_min: Decimal | None = None
    harmful_repairs_max: int | None = 0
    silent_rules_max: int | None = 0

    def to_json(self) -> dict[str, float | None]:
        """The thresholds by name; a ratio as a number from 0 to 1."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def verdict_of(
    numbers: Mapping[str, Fraction | None],
    money: Mapping[str, Fraction | None],
    demanded: int,
    harmful: int,
    silent: Sequence[str],
    thresholds: Thresholds,
) -> tuple[list[Sentence], str]:
    """FAIL if a threshold is missed; else INCONCLUSIVE if too little happened; else PASS. With the reasons.

    `numbers` are ratios by name, `money` the money recall by currency, `harmful` is the number of harmful repairs, and
    `silent` has the rules that never injected.
    """
    failed = []
    for name, value in numbers.items():
        minimum = getattr(thresholds, f"{name}_min")
        if minimum is not None and value is not None and value < Fraction(minimum):
            failed.append(sentence(TOO_LOW[name], value=f"{float(value):.4f}", minimum=minimum))
    for currency, recall in money.items():
        minimum = thresholds.money_recall_min
        if minimum is not None and recall is not None and recall < Fraction(minimum):
            too_low = {"currency": currency, "value": f"{float(recall):.4f}", "minimum": minimum}
            failed.append(sentence(MONEY_TOO_LOW, **too_low))
    if thresholds.harmful_repairs_max is not None and harmful > thresholds.harmful_repairs_max:
        failed.append(sentence(HARMFUL, count=harmful, allowed=thresholds.harmful_repairs_max))
    if failed:
        return failed, FAIL
    unsure = [] if demanded else [sentence(NOTHING_DEMANDED)]
    if thresholds.silent_rules_max is not None and len(silent) > thresholds.silent_rules_max:
        unsure.append(sentence(SILENT, count=len(silent), rules=", ".join(silent[:LISTED_MAX])))
    return unsure, INCONCLUSIVE if unsure else PASS
