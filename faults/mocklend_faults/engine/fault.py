"""The base class of faults: a frozen dataclass of settings, with one method per seam where it changes events.

        class BoundedStale(Fault):
            '''The story: what goes wrong, and why.'''

            name: ClassVar[str] = "cache.bounded_stale"
            finding: ClassVar[str] = "stale_view"
            lag_s: int = setting(60, "How long the page lags, in seconds.", least=1, most=86_400)

            def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
                return replace(event, lag_s=event.lag_s + self.lag_s)

A method is named after its seam, with `_` for `.`, and returns the changed event. It has no access to a database,
network, clock or random generator: the rule decides how often, on which events and when. The settings are at the same
time the JSON of the control API, the flags of the command line and the table in the docs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self, TypeVar

from mocklend.domain.nouns import JsonObject
from mocklend.seams import SEAMS
from mocklend.validation import Reader, schema_of

VIEWS: dict[str, str] = {
    "answer": "the answer to a client's own request",
    "page": "a loan's status page, GET /v1/loans/{id}",
    "list": "the list of loans, GET /v1/loans",
    "instalments": "the repayment plan, GET /v1/loans/{id}/instalments",
    "quote": "a payoff quote",
    "repayment": "a repayment's status, GET /v1/repayments/{id}",
    "books": "the journal and what follows from it, GET /operator/loans/{id}",
    "receipts": "the receipts that operators see, GET /operator/receipts",
    "channel": "a channel's own record, GET /channels/{channel}/trades/{out_trade_no}",
    "statement": "a channel's statement file",
    "webhook": "the platform's webhooks to its client",
    "console": "the operator log and the approvals, as operators see them",
    "alerts": "the platform's own monitoring",
    "report": "the credit report",
    "score": "the credit score",
    "partner": "a partner lender's copy and decision",
    "dispute": "a dispute and its progress",
    "certificate": "a settlement certificate",
}
"""The views in which a fault may be visible, each with the endpoint where a client reads it."""


SETTING_MAX = 2**63 - 1
T = TypeVar("T", bound=int | str | None)


def setting(
    default: T,
    doc: str,
    *,
    least: int = 0,
    most: int = SETTING_MAX,
    options: tuple[str, ...] = (),
    nullable: bool = False,
    title: str = "",
) -> T:
    """One setting of a fault: its default, a sentence about it, its bounds or options, and a short title.

    Without a title, its name is one: `lag_s` is "Lag". The bounds are given in the terms of the validator, which
    derives reading, errors and schema from them.
    """
    bounds: dict[str, object] = {"ge": least, "le": most, "strict": True}
    if options:
        words = "|".join(re.escape(option) for option in options)
        bounds = {"pattern": f"^(?:{words})$", "json_schema_extra": lambda schema: _enumerate(schema, options)}
    return field(
        default=default,
        metadata={"description": doc, "options": options, "nullable": nullable, "short_title": title, **bounds},
    )


def _enumerate(schema: JsonObject, options: tuple[str, ...]) -> None:
    del schema["pattern"]
    schema["enum"] = list(options)


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault. At a seam for which it has no method, it changes nothing."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    name: ClassVar[str]
    title: ClassVar[str]
    """What happens, in a few words: the kind's name for people."""
    finding: ClassVar[str]
    """The finding class that a reconciler should report."""
    precondition: ClassVar[str]
    """What has to happen for this fault to act."""
    symptom: ClassVar[Mapping[str, str]]
    """What each wrong view shows, by view (see VIEWS). A view that is not named is right."""
    heals: ClassVar[str]
    """What ends the difference: time, a later event, or a repair."""
    action: ClassVar[str]
    """What a correct reconciler does."""

    @classmethod
    def seams(cls) -> tuple[str, ...]:
        """The seams where this fault acts: those that it has a method for."""
        return tuple(seam for seam in SEAMS if callable(getattr(cls, method_of(seam), None)))

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """The fault with these settings, and defaults for the others. Raises Refused `validation_failed`."""
        return reader_of(cls).read(raw, "with")

    @classmethod
    def settings_schema(cls) -> JsonObject:
        """The JSON Schema of the settings: the `with` of a rule that arms this kind."""
        return schema_of(cls) | {"description": f"The settings of {cls.name}."}

    def to_json(self) -> dict[str, int | str | None]:
        """All settings, the defaults included."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def method_of(seam: str) -> str:
    """The name of a seam's method."""
    return seam.replace(".", "_")


_READERS: dict[type[Fault], Reader[Any]] = {}
F = TypeVar("F", bound=Fault)


def reader_of(kind: type[F]) -> Reader[F]:
    """The reader of a kind's settings."""
    return _READERS.setdefault(kind, Reader(kind))
