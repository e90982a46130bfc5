"""What a fault is: a frozen dataclass of settings, and one method for each seam where it changes what happens.

        class BoundedStale(Fault):
            '''The story, from the operations floor.'''

            name: ClassVar[str] = "cache.bounded_stale"
            finding: ClassVar[str] = "stale_view"
            lag_s: int = setting(60, "How long the page stays behind.", least=1, most=86_400)

            def view_refresh(self, given: ViewRefresh) -> ViewRefresh:
                return replace(given, lag_s=given.lag_s + self.lag_s)

A method is named after its seam, with `_` for `.`; it gives back what really happens. It sees no database, network,
clock or generator: how often, to whom and when is the rule's business. The same fields are the JSON of the control
API, the flags of the command line and the table in the docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from inspect import getdoc
from typing import Any, ClassVar, Self

from mocklend.seams import SEAMS, CallbackAttempt, OperatorEdit, PaymentReference, RepaymentFiled, ViewRefresh
from mocklend_faults.engine.strict import MOST, choice, mapping, whole


def setting(
    default: Any,
    doc: str,
    *,
    least: int = 0,
    most: int = MOST,
    options: tuple[str, ...] = (),
    nullable: bool = False,
) -> Any:
    """One setting of a fault: its default, a sentence about it, and what it may be."""
    bounds = {"doc": doc, "least": least, "most": most, "options": options, "nullable": nullable}
    return field(default=default, metadata=bounds)


@dataclass(frozen=True, slots=True)
class Fault:
    """The default for every seam: nothing is changed."""

    name: ClassVar[str]
    finding: ClassVar[str]
    """The class of break that a reconciler should report."""

    def view_refresh(self, given: ViewRefresh) -> ViewRefresh:
        """A loan's status page is refreshed."""
        return given

    def callback_attempt(self, given: CallbackAttempt) -> CallbackAttempt:
        """A channel delivers a callback."""
        return given

    def payment_reference(self, given: PaymentReference) -> PaymentReference:
        """The platform reads the reference of a push payment."""
        return given

    def operator_edit(self, given: OperatorEdit) -> OperatorEdit:
        """An operator submits an edit."""
        return given

    def repayment_filed(self, given: RepaymentFiled) -> RepaymentFiled:
        """A receipt passes the operations desk."""
        return given

    @classmethod
    def seams(cls) -> tuple[str, ...]:
        """The seams where this fault acts: those whose method it overrides."""
        return tuple(seam for seam in SEAMS if getattr(cls, method_of(seam)) is not getattr(Fault, method_of(seam)))

    @classmethod
    def from_json(cls, raw: Any, at: str = "with") -> Self:
        """The fault with these settings; the ones that are not given have their defaults."""
        declared = {one.name: one for one in fields(cls)}
        given = mapping(raw, at, declared)
        return cls(**{name: _read(value, f"{at}.{name}", declared[name].metadata) for name, value in given.items()})

    def to_json(self) -> dict[str, Any]:
        """All settings, the defaults included."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """The kind as GET /-/faults tells it."""
        return {
            "id": cls.name,
            "story": getdoc(cls),
            "seams": list(cls.seams()),
            "settings": [
                {
                    "name": one.name,
                    "type": _expected(one.metadata, one.default),
                    "default": one.default,
                    "doc": one.metadata["doc"],
                }
                for one in fields(cls)
            ],
            "finding": cls.finding,
        }


def method_of(seam: str) -> str:
    """The name of a seam's method."""
    return seam.replace(".", "_")


def _read(value: Any, at: str, bounds: Mapping[str, Any]) -> Any:
    if value is None and bounds["nullable"]:
        return None
    if bounds["options"]:
        return choice(value, at, bounds["options"])
    return whole(value, at, least=bounds["least"], most=bounds["most"])


def _expected(bounds: Mapping[str, Any], default: Any) -> str:
    if bounds["options"]:
        return f"one of {', '.join(bounds['options'])}"
    return f"integer from {bounds['least']} to {bounds['most']}" + (" or null" if bounds["nullable"] else "")
