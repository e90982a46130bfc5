"""A request as an event of the seam `api.answer`, whose fields are computed when a rule reads them.

        request ─▶ RequestEvent ─▶ layer.may_affect: does any rule select it? ─ no ─▶ kept for `explain`, as it is
                                                                     └ yes ─▶ whole(): an ApiAnswer, for the command

Most rules read one or two fields, and a load test makes thousands of requests per second that no rule selects.
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
"""The currency of these events. They concern no money, but every entry of the answer key has a currency."""
FIELDS = tuple(field.name for field in fields(ApiAnswer))
READS = ("GET", "HEAD", "OPTIONS")


class Shape(NamedTuple):
    """What all requests to one endpoint have in common."""

    plane: str
    operation: str
    path: str


@cache
def shape_of(rule: str, endpoint: str) -> Shape:
    """The shape of an endpoint of this app, by its rule of Flask and its view."""
    view = current_app.view_functions[endpoint]
    operation = str(getattr(view, "_spec", {}).get("operation_id", endpoint))
    return Shape(rule.split("/")[1], operation, rule.replace("<id:", "{").replace("<", "{").replace(">", "}"))


def drawn(seed: int, entity: str, occurrence: int) -> int:
    """The random draw of a request, 0 to 999,999, from the seed and the entity's own count only."""
    key = f"{seed}\x1fapi.answer\x1f{entity}\x1f{occurrence}"
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") % DRAWS


class RequestEvent:
    """A pending ApiAnswer: its time is not known, it is not counted yet, and no fault has changed it.

    `arguments` are the path parameters of the request.
    """

    __slots__ = (
        "_arguments",
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
        arguments: Mapping[str, str],
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
        self._arguments = arguments
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
        """The loan in the path; "" where there is none."""
        return self._arguments.get("loan_id", "")

    @property
    def plane(self) -> str:
        """The first segment of the path."""
        return self._shape.plane

    @property
    def operation(self) -> str:
        """The operation id, as in /openapi.json."""
        return self._shape.operation

    @property
    def path(self) -> str:
        """The path template, with parameters in braces."""
        return self._shape.path

    @property
    def writes(self) -> bool:
        """Whether the method may change anything."""
        return self.method not in READS

    @property
    def draw(self) -> int:
        """The random draw, 0 to 999,999."""
        return drawn(self.seed, self.entity, self.occurrence)

    def whole(self) -> ApiAnswer:
        """The complete event, once it is counted and its time is known."""
        return ApiAnswer(**{name: getattr(self, name) for name in FIELDS})
