from support.caller import Caller
from support.story import Story


def test_a_quote_says_what_pays_the_loan_off_today(api: Caller) -> None:
    loan = api.borrow()

    quote = api.quote(loan["id"])

    assert quote["total_minor"] == sum(quote["buckets"].values()) > 100_000  # At least one day's interest.
    assert quote["date"] == "2026-01-05"
    assert quote["valid_until"] == "2026-01-05T15:59:59.999Z"  # Midnight in Shanghai.


def test_a_quote_for_a_later_day_costs_more(api: Caller) -> None:
    loan = api.borrow()
    later = api.post(f"/v1/loans/{loan['id']}/quotes", {"type": "CLEAR", "date": "2026-01-20"})

    assert api.made(later)["total_minor"] > api.quote(loan["id"])["total_minor"]


def test_a_quote_for_the_current_instalment_is_less_before_its_due_date(api: Caller, story: Story) -> None:
    loan = api.borrow()
    early = api.quote(loan["id"], "OVD_AND_CURRENT")["total_minor"]

    story.wait(days=31)

    assert api.quote(loan["id"], "OVD_AND_CURRENT")["total_minor"] == loan["next_due"]["due_minor"] == 8_606
    assert early == 8_566  # What is repaid now bears no interest until then.


def test_a_quote_for_a_past_day_is_refused(api: Caller) -> None:
    loan = api.borrow()

    past = api.post(f"/v1/loans/{loan['id']}/quotes", {"type": "CLEAR", "date": "2026-01-04"})

    api.problem(past, 422, "amount_out_of_range")


def test_a_quote_of_an_unknown_type_is_refused_with_the_known_ones(api: Caller) -> None:
    document = api.problem(api.post("/v1/loans/loan_x/quotes", {"type": "ALL"}), 422, "validation_failed")

    assert document["errors"] == [{"field": "type", "expected": "one of CLEAR, OVD_AND_CURRENT", "received": "ALL"}]
