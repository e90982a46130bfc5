"""Repayment schedules: the instalments that a loan would have. Nothing is stored."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import BusinessDate, Currency, MinorAmount
from mocklend.api.openapi import operation
from mocklend.api.problems import field_problem
from mocklend.api.products import ProductFields, read_product
from mocklend.api.request_context import sandbox_id
from mocklend.api.responses import rendered
from mocklend.documents import rendering
from mocklend.domain import nouns
from mocklend.domain.nouns import says
from mocklend.domain.schedule import Instalment, ScheduleError, schedule
from mocklend.validation import Body

schedules = APIBlueprint("schedules", __name__)


class Trial(Body):
    """The terms of a loan for which to compute a schedule."""

    principal_minor: MinorAmount = Field(description="The principal, in minor units of `currency`.")
    currency: Currency = "CNY"
    start_date: BusinessDate = Field(description="The day on which the loan would be paid out.")
    product: ProductFields = Field(description="The terms.")


class ScheduledInstalment(TypedDict):
    """One line of a schedule."""

    n: Annotated[int, says("The instalment's number, from 1.")]
    from_date: Annotated[str, says("The first day of its period, like 2026-01-05.")]
    due_date: Annotated[str, says("Its due date, like 2026-01-05.")]
    days: Annotated[int, says("The number of days of its period.")]
    principal_minor: Annotated[int, says("Its principal, in minor units.")]
    interest_minor: Annotated[int, says("Its interest, in minor units.")]
    due_minor: Annotated[int, says("Principal and interest, in minor units.")]
    balance_minor: Annotated[int, says("The remaining principal after it, in minor units.")]


class ScheduleDoc(TypedDict):
    """A schedule."""

    currency: nouns.Currency
    instalments: Annotated[list[ScheduledInstalment], says("The instalments, in order.")]
    total_interest_minor: Annotated[int, says("The sum of the interest, in minor units.")]


scheduled_instalment = rendering(Instalment, ScheduledInstalment)
"""A line of a schedule as JSON."""


@schedules.post("/v1/schedules")
@schedules.input(Trial, arg_name="trial")
@schedules.output(document(ScheduleDoc))
@schedules.doc(**operation("tryOutSchedule", "product_invalid"))
def try_out(trial: Trial) -> Response:
    """Compute the repayment schedule of a loan. Nothing is stored."""
    sandbox_id()
    try:
        lines = schedule(read_product(trial.product), trial.principal_minor, trial.start_date)
    except ScheduleError as error:
        raise field_problem(error.field, error.expected, error.got, "product_invalid") from None
    return rendered(
        ScheduleDoc(
            currency=trial.currency,
            instalments=[scheduled_instalment(line) for line in lines],
            total_interest_minor=sum(line.interest_minor for line in lines),
        )
    )
