"""What a fault is: a frozen dataclass of settings, and one method for each seam where it changes what happens.

        class BoundedStale(Fault):
            '''The story, from the operations floor.'''

            name: ClassVar[str] = "cache.bounded_stale"
            finding: ClassVar[str] = "stale_view"
            lag_s: int = setting(60, "How long the page stays behind.", least=1, most=86_400)

            def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
                return replace(event, lag_s=event.lag_s + self.lag_s)

A method is named after its seam, with `_` for `.`; it returns what really happens. It sees no database, network,
clock or generator: how often, to whom and when is the rule's business. The same fields are the JSON of the control
API, the flags of the command line and the table in the docs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from inspect import getdoc
from typing import Any, ClassVar, Self, TypeVar

from mocklend.seams import SEAMS
from mocklend.validation import Reader, schema_of

VIEWS: dict[str, str] = {
    "answer": "what a client's own request was answered",
    "page": "a loan's status page, GET /v1/loans/{id}",
    "list": "the list of loans, GET /v1/loans",
    "instalments": "the repayment plan, GET /v1/loans/{id}/instalments",
    "quote": "a payoff quote",
    "repayment": "a repayment's status, GET /v1/repayments/{id}",
    "books": "the journal and what follows from it, GET /operator/loans/{id}",
    "receipts": "the receipts that the operations desk sees, GET /operator/receipts",
    "channel": "a channel's own record, GET /channels/{channel}/trades/{out_trade_no}",
    "statement": "a channel's statement file",
    "webhook": "what the platform told its client",
    "console": "what the operations desk sees of acts and approvals",
    "alerts": "the platform's own monitoring",
    "report": "the credit report",
    "score": "the credit score",
    "partner": "a partner lender's copy and decision",
    "dispute": "a dispute's progress",
    "certificate": "a settlement certificate",
}
"""Where a lie may be seen: DESIGN's views, each with the place where a client looks."""


SETTING_MAX = 2**63 - 1


def setting(
    default: Any,
    doc: str,
    *,
    least: int = 0,
    most: int = SETTING_MAX,
    options: tuple[str, ...] = (),
    nullable: bool = False,
) -> Any:
    """One setting of a fault: its default, a sentence about it, and what it may be.

    What it may be is said in the words of the validator, so that reading, errors and schema come from here.
    """
    bounds: dict[str, Any] = {"ge": least, "le": most, "strict": True}
    if options:
        words = "|".join(re.escape(option) for option in options)
        bounds = {"pattern": f"^(?:{words})$", "json_schema_extra": lambda schema: _say_options(schema, options)}
    return field(default=default, metadata={"description": doc, "options": options, "nullable": nullable, **bounds})


def _say_options(schema: dict[str, Any], options: tuple[str, ...]) -> None:
    del schema["pattern"]
    schema["enum"] = list(options)


@dataclass(frozen=True, slots=True)
class Fault:
    """What every kind says of itself. Where it has no method for a seam, nothing is changed there."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    name: ClassVar[str]
    finding: ClassVar[str]
    """The class of break that a reconciler should report."""
    precondition: ClassVar[str]
    """What a story needs for this fault to act."""
    symptom: ClassVar[Mapping[str, str]]
    """What each view shows that lies (see VIEWS). A view that is not named tells the truth."""
    heals: ClassVar[str]
    """What ends the lie: time, a later event, or a repair."""
    action: ClassVar[str]
    """What a correct reconciler does."""

    @classmethod
    def seams(cls) -> tuple[str, ...]:
        """The seams where this fault acts: those that it has a method for."""
        return tuple(seam for seam in SEAMS if callable(getattr(cls, method_of(seam), None)))

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """The fault with these settings; the ones that are not given have their defaults. Refused if one is wrong."""
        return reader_of(cls).read(raw, "with")

    @classmethod
    def settings_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the settings: the `with` of a rule that arms this kind."""
        return schema_of(cls) | {"description": f"The settings of {cls.name}."}

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
                    "type": _expected(one.metadata),
                    "default": one.default,
                    "doc": one.metadata["description"],
                }
                for one in fields(cls)
            ],
            "finding": cls.finding,
            "precondition": cls.precondition,
            "symptom": dict(cls.symptom),
            "heals": cls.heals,
            "action": cls.action,
        }


def method_of(seam: str) -> str:
    """The name of a seam's method."""
    return seam.replace(".", "_")


_READERS: dict[type[Fault], Reader[Any]] = {}
F = TypeVar("F", bound=Fault)


def reader_of(kind: type[F]) -> Reader[F]:
    """Who reads the settings of a kind."""
    return _READERS.setdefault(kind, Reader(kind))


def _expected(bounds: Mapping[str, Any]) -> str:
    if bounds["options"]:
        return f"one of {', '.join(bounds['options'])}"
    return f"integer from {bounds['ge']} to {bounds['le']}" + (" or null" if bounds["nullable"] else "")
