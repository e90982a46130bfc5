"""Schedules: what a loan would cost. A trial; nothing is stored."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import BusinessDate, Currency, Doc, MinorAmount
from mocklend.api.openapi import operation
from mocklend.api.problems import field_problem
from mocklend.api.products import ProductFields, read_product
from mocklend.api.request_context import sandbox_id
from mocklend.api.responses import rendered
from mocklend.domain.schedule import Instalment, ScheduleError, schedule
from mocklend.validation import Body

schedules = APIBlueprint("schedules", __name__)


class Trial(Body):
    """A loan to try out."""

    principal_minor: MinorAmount = Field(description="How much would be lent, in minor units of `currency`.")
    currency: Currency = "CNY"
    start_date: BusinessDate = Field(description="The day on which the loan would be paid out.")
    product: ProductFields = Field(description="The terms.")


class ScheduledInstalment(Doc):
    """One line of a schedule."""

    n: int = Field(description="The instalment's number, from 1.")
    from_date: str = Field(description="The first day of its period, like 2026-01-05.")
    due_date: str = Field(description="When it is due, like 2026-01-05.")
    days: int = Field(description="How many days its period has.")
    principal_minor: int = Field(description="Its principal, in minor units.")
    interest_minor: int = Field(description="Its interest, in minor units.")
    due_minor: int = Field(description="Principal and interest, in minor units.")
    balance_minor: int = Field(description="The principal that is left after it, in minor units.")


class ScheduleDoc(Doc):
    """A schedule."""

    currency: Currency
    instalments: list[ScheduledInstalment] = Field(description="The instalments, in their order.")
    total_interest_minor: int = Field(description="All interest, in minor units.")


@schedules.post("/v1/schedules")
@schedules.input(Trial, arg_name="trial")
@schedules.output(ScheduleDoc)
@schedules.doc(**operation("tryOutSchedule", "product_invalid"))
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
