from typing import Any

import pytest

from mocklend.client import Doc
from support.caller import Caller

BY = {"memo": "Checked with the bank.", "operator": "wei"}


@pytest.fixture
def paid(api: Caller) -> Doc:
    """A loan that Ada has settled, and the bank slip that she has for it."""
    loan = api.borrow()
    repayment = api.repay(loan["id"], api.quote(loan["id"])["total_minor"], type="CLEAR")
    api.wait(2)
    trade = api.made(api.get(f"/channels/wallet/trades/{repayment['out_trade_no']}"))
    piece = {
        "kind": "bank_slip",
        "channel": "wallet",
        "channel_trade_no": trade["channel_trade_no"],
        "amount_minor": trade["amount_minor"],
        "paid_at": trade["paid_at"],
        "note": "From my bank's app.",
    }
    return {"loan_id": loan["id"], "claim": "settled_but_unpaid", "evidence": [piece]}


def opened(api: Caller, claim: dict[str, object]) -> Doc:
    """The dispute, opened."""
    dispute: dict[str, Any] = api.made(api.post("/v1/disputes", claim))
    return dispute


def test_a_dispute_is_opened_verified_decided_and_read(api: Caller, paid: dict[str, object]) -> None:
    dispute = opened(api, paid)
    address = f"/operator/disputes/{dispute['id']}"

    verified = api.made(api.post(f"{address}/verify", {"operator": "wei"}))
    decided = api.made(
        api.post(f"{address}/decide", {"decision": "UPHELD", "correct": True, "compensation_minor": 1_000, **BY})
    )
    api.wait("P1D")

    assert (dispute["state"], dispute["marked"], dispute["due_at"]) == ("MARKED", True, "2026-01-25T02:00:02.000Z")
    assert dispute["evidence"] == paid["evidence"]
    finding = verified["findings"][0]
    assert (finding["matches_channel"], finding["on_books"], finding["loan_id"]) == (True, True, paid["loan_id"])
    assert (decided["state"], decided["compensation_minor"]) == ("CORRECTED", 1_000)
    read = api.made(api.get(f"/v1/disputes/{dispute['id']}"))
    assert read["state"] == "COMPENSATED"
    assert read["decision"] | {"at": None} == {"decision": "UPHELD", "at": None, **BY}
    assert api.made(api.get("/v1/disputes", loan_id=paid["loan_id"]))["disputes"] == [read]
    assert api.made(api.get("/v1/disputes", state="MARKED"))["disputes"] == []
    assert api.made(api.get("/-/audit"))["clean"]


def test_a_rejected_borrower_puts_a_statement_on_record(api: Caller, paid: dict[str, object]) -> None:
    dispute = opened(api, paid | {"claim": "wrong_amount", "statement": "I owe less.", "evidence": []})
    address = f"/operator/disputes/{dispute['id']}"
    statement = {"statement": "I still disagree."}

    api.problem(api.post(f"/v1/disputes/{dispute['id']}/statement", statement), 409, "dispute_state")
    api.problem(api.post(f"{address}/decide", {"decision": "REJECTED", **BY}), 409, "dispute_state")
    api.made(api.post(f"{address}/verify", {"operator": "wei"}))
    api.made(api.post(f"{address}/decide", {"decision": "REJECTED", **BY}))
    stated = api.post(f"/v1/disputes/{dispute['id']}/statement", statement)

    assert stated.status_code == 201
    assert (stated.get_json()["state"], stated.get_json()["disagreement"]) == ("STATEMENT", "I still disagree.")


def test_a_dispute_opened_twice_with_one_key_is_one_dispute(api: Caller, paid: dict[str, object]) -> None:
    first = api.post("/v1/disputes", paid, key="once")
    again = api.post("/v1/disputes", paid, key="once")

    assert first.get_json() == again.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("more", [{"correct": True}, {"compensation_minor": 5}])
@pytest.mark.parametrize("decision", ["REJECTED", "UNVERIFIABLE"])
def test_only_what_is_upheld_is_corrected_and_compensated(
    api: Caller, paid: dict[str, object], decision: str, more: dict[str, object]
) -> None:
    dispute = opened(api, paid)

    answer = api.post(f"/operator/disputes/{dispute['id']}/decide", {"decision": decision, **more, **BY})

    assert api.problem(answer, 422, "validation_failed")["errors"][0]["field"] == next(iter(more))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "rumour"}, "evidence.0.kind"),
        ({"channel": "../"}, "evidence.0.channel"),
        ({"amount_minor": 0}, "evidence.0.amount_minor"),
        ({"amount_minor": True}, "evidence.0.amount_minor"),
        ({"paid_at": "yesterday"}, "evidence.0.paid_at"),
        ({"channel_trade_no": ""}, "evidence.0.channel_trade_no"),
        ({"note": 5}, "evidence.0.note"),
        ({"by": "pigeon"}, "evidence.0.by"),
    ],
)
def test_invalid_evidence_is_named(api: Caller, paid: Doc, wrong: Doc, field: str) -> None:
    answer = api.post("/v1/disputes", paid | {"evidence": [paid["evidence"][0] | wrong]})

    assert api.problem(answer, 422, "validation_failed")["errors"][0]["field"] == field


def test_evidence_has_a_maximum_length_and_names_a_known_channel(api: Caller, paid: Doc) -> None:
    piece = paid["evidence"][0]

    api.problem(api.post("/v1/disputes", paid | {"evidence": [piece] * 21}), 422, "validation_failed")
    unknown = paid | {"evidence": [piece | {"channel": "pigeon"}]}
    api.problem(api.post("/v1/disputes", unknown), 404, "channel_unknown")
    api.problem(api.post("/v1/disputes", paid | {"loan_id": "loan_x"}), 404, "loan_unknown")


def test_whether_to_correct_is_true_or_false(api: Caller, paid: dict[str, object]) -> None:
    address = f"/operator/disputes/{opened(api, paid)['id']}/decide"

    for wrong in (1, "true", None):
        answer = api.post(address, {"decision": "UPHELD", "correct": wrong, **BY})
        assert api.problem(answer, 422, "validation_failed")["errors"][0]["field"] == "correct"
