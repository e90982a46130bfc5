"""Events as the platform would hand them to the fault layer: Ada's, at any seam, with some fields changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from mocklend.api.request_event import RequestEvent, Shape
from mocklend.seams.ada import CLEAR, MONDAY_MS, USING
from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.batch_item import AUTO_DEBIT, BatchItem
from mocklend.seams.operator_edit import OperatorEdit
from mocklend.seams.seam import Seam
from mocklend_faults.engine.catalogue import installed

__all__ = [
    "CLEAR",
    "KINDS",
    "MONDAY_MS",
    "USING",
    "changed",
    "example",
    "example_debit",
    "example_mark",
    "example_read",
    "example_request",
]

KINDS = tuple(installed().values())
SomeSeam = TypeVar("SomeSeam", bound=Seam)


def example(seam: type[SomeSeam], **changes: object) -> SomeSeam:
    """The seam's example with these fields changed."""
    return changed(seam.example(), **changes)


def changed(event: SomeSeam, **changes: object) -> SomeSeam:
    """An event with these fields changed."""
    fields: Mapping[str, Any] = changes
    return replace(event, **fields)


def example_debit(**changes: object) -> BatchItem:
    """The debit of what is due, which may be ordered twice."""
    ordered = {"batch": AUTO_DEBIT, "amount_minor": 9_500, "order_id": "rpy_b", "duplicate_id": "rpy_a"}
    return example(BatchItem, **ordered | changes)


def example_mark(**changes: object) -> OperatorEdit:
    """An edit of the status."""
    status = {"kind": "MODIFY_BILL_STATUS", "amount_minor": None, "status": "VALID", "amount_minor_min": 0}
    return example(OperatorEdit, **status | changes)


def example_read(**changes: object) -> ApiAnswer:
    """A request that reads."""
    look = {"entity": "loan_ada", "method": "GET", "operation": "getLoan", "path": "/v1/loans/{loan_id}"}
    return example(ApiAnswer, **look | {"writes": False, "channel": None} | changes)


def example_request(*, now_ms: int | None = MONDAY_MS, **changes: object) -> RequestEvent:
    """A request before it is an event: counted, unless it is said to be of the occurrence 0."""
    whole = example(ApiAnswer, **changes)
    shape = Shape(whole.plane, whole.operation, whole.path)
    request_event = RequestEvent(
        "sbx", 7, None, whole.entity, whole.method, {"loan_id": whole.loan_id}, shape, whole.channel
    )
    request_event.occurrence = whole.occurrence
    request_event.now_ms = now_ms
    return request_event
