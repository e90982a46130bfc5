from support.caller import Caller
from support.story import Story

TERMS = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}


def test_a_trial_schedule_shows_every_instalment_and_the_cost_of_the_loan(api: Caller) -> None:
    trial = {"principal_minor": 10_000_000, "start_date": "2026-01-31", "product": TERMS | {"day_count": "30/360"}}

    schedule = api.made(api.post("/v1/schedules", trial))

    lines = schedule["instalments"]
    assert [line["due_date"] for line in lines[:3]] == ["2026-02-28", "2026-03-31", "2026-04-30"]
    assert lines[0]["due_minor"] == 860_664  # 100,000.00 at 6 % over 12 months: 8,606.64, the textbook's annuity.
    assert sum(line["principal_minor"] for line in lines) == 10_000_000
    assert schedule["total_interest_minor"] == sum(line["interest_minor"] for line in lines)


def test_a_trial_schedule_stores_nothing(api: Caller, story: Story) -> None:
    before = story.everything()

    api.made(api.post("/v1/schedules", {"principal_minor": 1000, "start_date": "2026-01-31", "product": TERMS}))

    assert story.everything() == before


def test_an_invalid_product_is_refused_with_the_wrong_field(api: Caller) -> None:
    trial = {"principal_minor": 1000, "start_date": "2026-01-31", "product": TERMS | {"penalty": {"multiplier": 1.5}}}

    document = api.problem(api.post("/v1/schedules", trial), 422, "product_invalid")

    assert document["errors"][0]["field"] == "product.penalty.multiplier"


def test_an_impossible_date_is_refused_as_start(api: Caller) -> None:
    trial = {"principal_minor": 1000, "start_date": "2026-02-30", "product": TERMS}

    document = api.problem(api.post("/v1/schedules", trial), 422, "validation_failed")

    assert document["errors"] == [
        {"field": "start_date", "expected": "a date like 2026-01-05", "received": "2026-02-30"}
    ]


def test_a_loan_may_not_end_after_the_last_year(api: Caller) -> None:
    trial = {"principal_minor": 1000, "start_date": "9999-12-31", "product": TERMS}

    document = api.problem(api.post("/v1/schedules", trial), 422, "product_invalid")

    assert document["errors"][0]["field"] == "start_date"
