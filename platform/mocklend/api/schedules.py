"""Schedules: what a loan would cost. A trial; nothing is stored."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import rendered
from mocklend.api.asking import sandbox_id
from mocklend.api.fields import Body, BusinessDate, Currency, Doc, MinorAmount
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.api.products import ProductFields, read_product
from mocklend.domain.schedule import Instalment, ScheduleError, schedule

schedules = APIBlueprint("schedules", __name__)


class Trial(Body):
    """A loan to try out."""

    principal_minor: MinorAmount
    currency: Currency = "CNY"
    start_date: BusinessDate
    product: ProductFields


class ScheduledInstalment(Doc):
    """One line of a schedule."""

    n: int
    from_date: str
    due_date: str
    days: int
    principal_minor: int
    interest_minor: int
    due_minor: int
    balance_minor: int


class ScheduleDoc(Doc):
    """A schedule."""

    currency: str
    instalments: list[ScheduledInstalment]
    total_interest_minor: int


@schedules.post("/v1/schedules")
@schedules.input(Trial, arg_name="trial")
@schedules.output(ScheduleDoc)
@schedules.doc(**described("tryOutSchedule", "product_invalid"))
def try_out(trial: Trial) -> Response:
    """All instalments that a loan would have."""
    sandbox_id()
    try:
        lines = schedule(read_product(trial.product), trial.principal_minor, trial.start_date)
    except ScheduleError as error:
        raise field_problem(error.field, error.expected, error.got, "product_invalid") from None
    return rendered(
        {
            "currency": trial.currency,
            "instalments": [_line(line) for line in lines],
            "total_interest_minor": sum(line.interest_minor for line in lines),
        }
    )


def _line(line: Instalment) -> dict[str, Any]:
    return asdict(line) | {"from_date": line.from_date.isoformat(), "due_date": line.due_date.isoformat()}
