"""A request as the seam `api.answer` has it, each part worked out when a rule first looks at it.

        request ─▶ RequestEvent ─▶ layer.may_affect: does any rule select it? ─ no ─▶ kept for `explain`, as it is
                                                                     └ yes ─▶ whole(): an ApiAnswer, for the command

Most rules go by a part or two, and a load test makes thousands of requests a second that none of them touches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import ClassVar, NamedTuple

from flask import current_app

from mocklend.seams.api_answer import ApiAnswer

DRAWS = 1_000_000
CURRENCY = "CNY"
"""No money is at stake in an answer; the answer key has a currency for every entry."""
FIELDS = tuple(field.name for field in fields(ApiAnswer))
READS = ("GET", "HEAD", "OPTIONS")


class Shape(NamedTuple):
    """What all requests to one address have in common."""

    plane: str
    operation: str
    path: str


@cache
def shape_of(rule: str, endpoint: str) -> Shape:
    """Of an address of this app."""
    view = current_app.view_functions[endpoint]
    operation = str(getattr(view, "_spec", {}).get("operation_id", endpoint))
    return Shape(rule.split("/")[1], operation, rule.replace("<id:", "{").replace("<", "{").replace(">", "}"))


def drawn(seed: int, entity: str, occurrence: int) -> int:
    """The chance of a request: 0 to 999,999, from the seed and the entity's own count alone."""
    key = f"{seed}\x1fapi.answer\x1f{entity}\x1f{occurrence}"
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") % DRAWS


class RequestEvent:
    """An ApiAnswer to look at: its time is not known, it is not counted yet, and nothing has been done to it."""

    __slots__ = (
        "_named",
        "_shape",
        "asked_by",
        "channel",
        "entity",
        "method",
        "now_ms",
        "occurrence",
        "sandbox_id",
        "seed",
    )

    def __init__(
        self,
        sandbox_id: str,
        seed: int,
        asked_by: str | None,
        entity: str,
        method: str,
        named: Mapping[str, str],
        shape: Shape,
        channel: str | None,
    ) -> None:
        self.sandbox_id = sandbox_id
        self.seed = seed
        self.asked_by = asked_by
        self.entity = entity
        self.method = method
        self.channel = channel
        self.occurrence = 0
        self.now_ms: int | None = None
        self._named = named
        self._shape = shape

    seam: ClassVar[str] = ApiAnswer.seam
    currency = CURRENCY
    delay_ms = 0
    answer_code = None
    retry_after_s = None
    before_work = False
    break_how = "none"

    @property
    def loan_id(self) -> str:
        """Of the address; "" where it names none."""
        return self._named.get("loan_id", "")

    @property
    def plane(self) -> str:
        """The first part of the address."""
        return self._shape.plane

    @property
    def operation(self) -> str:
        """As in /openapi.json."""
        return self._shape.operation

    @property
    def path(self) -> str:
        """With its parts in braces."""
        return self._shape.path

    @property
    def writes(self) -> bool:
        """Whether the method may change anything."""
        return self.method not in READS

    @property
    def draw(self) -> int:
        """Its chance."""
        return drawn(self.seed, self.entity, self.occurrence)

    def whole(self) -> ApiAnswer:
        """All of it, once it is counted and its time is known."""
        return ApiAnswer(**{name: getattr(self, name) for name in FIELDS})
