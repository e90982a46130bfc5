import pytest

from mocklend.client import Client
from support.caller import Caller


@pytest.mark.parametrize(
    ("body", "now"),
    [
        ({"by": 90}, "2026-01-05T02:01:30.000Z"),
        ({"by": "PT1H30M"}, "2026-01-05T03:30:00.000Z"),
        ({"by": "P1D"}, "2026-01-06T02:00:00.000Z"),
        ({"by": 0}, "2026-01-05T02:00:00.000Z"),
        ({"by": "P1M"}, "2026-02-05T02:00:00.000Z"),
        ({"by": "P1Y1M2DT1H"}, "2027-02-07T03:00:00.000Z"),
        ({"to": "2026-01-05T11:00:00+08:00"}, "2026-01-05T03:00:00.000Z"),
    ],
)
def test_a_manual_clock_moves_only_on_request(api: Caller, body: dict[str, object], now: str) -> None:
    assert api.made(api.post("/-/clock/advance", body))["now"] == now

    assert api.made(api.get("/-/clock"))["now"] == now


def test_advancing_answers_what_it_released_in_order(api: Caller) -> None:
    repayment = api.repay(api.borrow()["id"], 1000)

    released = api.wait("PT1H")["released"]

    assert [(item["at"], item["kind"], item["id"]) for item in released] == [
        ("2026-01-05T02:00:02.000Z", "settlement", repayment["out_trade_no"]),
        ("2026-01-05T02:00:02.000Z", "callback", "cb_" + repayment["id"].removeprefix("rpy_")),
    ]


def test_a_clock_does_not_go_back(api: Caller) -> None:
    back = api.post("/-/clock/advance", {"to": "2026-01-05T01:59:59Z"})

    api.problem(back, 422, "clock_backwards")


def test_a_running_clock_cannot_be_moved(stranger: Caller) -> None:
    api = stranger

    api.problem(api.post("/-/clock/advance", {"by": 1}), 409, "clock_not_manual")


@pytest.mark.parametrize(
    "body",
    [{}, {"by": 1, "to": "2027-01-05T01:59:59Z"}, {"by": -1}, {"by": "soon"}, {"by": "P"}, {"by": 1.5}, {"by": True},
     {"by": 2**63}, {"by": "P999999D"}, {"to": "tomorrow"}, {"to": 1}, {"by": 31_000_000_000}, {"seconds": 1},
     {"by": "P1000Y"}, {"by": "P9999Y99999M"}, {"by": "P1M1Y"}, {"by": "P1MT"}, {"to": "NEXT"}],
)  # fmt: skip
def test_a_clock_moves_by_a_length_of_time_or_to_a_moment(api: Caller, body: dict[str, object]) -> None:
    api.problem(api.post("/-/clock/advance", body), 422, "validation_failed")


def test_a_running_clock_can_be_held_advanced_and_run_on(mocklend_server: str) -> None:
    with Client(mocklend_server) as anyone, anyone.sandbox(seed=1, clock="wall", now="2026-03-01T00:00:00Z") as client:
        answer = client.hold_clock()
        still = client.clock()
        moved = client.advance("P1D")
        runs = client.run_clock(speed=7)
        again = client.hold_clock()
        client.delete_sandbox()

    assert (answer["mode"], answer["speed"]) == ("manual", None)
    assert still == answer
    assert "2026-03-01T00:" in answer["now"]
    assert "2026-03-02T00:" in moved["now"]
    assert (runs["mode"], runs["speed"]) == ("wall", 7)
    assert answer["now"] < moved["now"] <= runs["now"] <= again["now"]


def test_what_fell_due_while_a_clock_was_held_waits_until_it_is_moved(mocklend: Client) -> None:
    loan = mocklend.borrow(mocklend.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")
    repayment = mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet")

    mocklend.run_clock()
    mocklend.hold_clock()
    mocklend.advance("PT1M")

    assert mocklend.repayment(repayment["id"])["status"] == "S"


@pytest.mark.parametrize(
    "body",
    [{}, {"mode": "slow"}, {"mode": "manual", "speed": 2}, {"mode": "wall", "speed": 0}, {"mode": "wall", "speed": 86_401},
     {"mode": "wall", "speed": 1.5}, {"mode": "wall", "now": "2026-01-05T02:00:00Z"}],
)  # fmt: skip
def test_a_clock_is_held_or_runs_and_nothing_else(api: Caller, body: dict[str, object]) -> None:
    api.problem(api.call("PUT", "/-/clock", json=body), 422, "validation_failed")


def test_an_advance_with_a_key_moves_the_clock_once(api: Caller) -> None:
    first, again = (api.post("/-/clock/advance", {"by": "PT1H"}, key="the-first-hour") for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.get_json()["now"] == again.get_json()["now"] == "2026-01-05T03:00:00.000Z"
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.made(api.get("/-/clock"))["now"] == "2026-01-05T03:00:00.000Z"


def test_a_clock_has_no_target_after_its_advance(api: Caller) -> None:
    api.wait("PT1H")

    assert api.made(api.get("/-/clock"))["moving_to"] is None


def test_a_month_ends_on_the_last_day_of_a_shorter_one_in_the_sandboxes_zone(api: Caller) -> None:
    api.made(api.post("/-/clock/advance", {"to": "2026-01-30T16:30:00Z"}))  # The 31st, at half past midnight.

    assert api.made(api.post("/-/clock/advance", {"by": "P1M"}))["now"] == "2026-02-27T16:30:00.000Z"


def test_the_clock_says_what_is_due_next_and_goes_there(api: Caller) -> None:
    loan = api.borrow()
    before = api.made(api.get("/-/clock"))["next"]
    api.repay(loan["id"], 1000)
    coming = api.made(api.get("/-/clock"))["next"]

    moved = api.made(api.post("/-/clock/advance", {"to": "next"}))

    assert (before["kind"], before["loan_id"]) == ("bureau", loan["id"])
    assert coming == {"at": "2026-01-05T02:00:02.000Z", "kind": "settlement", "loan_id": loan["id"]}
    assert moved["now"] == coming["at"]
    assert moved["released_by_kind"] == {"callback": 1, "settlement": 1}
    assert api.made(api.get("/-/clock"))["next"] == before


def test_from_event_to_event_a_clock_passes_every_one(api: Caller) -> None:
    api.borrow()
    passed: list[str] = []
    for _ in range(5):
        coming = api.made(api.get("/-/clock"))["next"]
        moved = api.made(api.post("/-/clock/advance", {"to": "next"}))
        assert moved["now"] == coming["at"]
        assert moved["released_total"] or coming["kind"] == "publication"
        passed.append(coming["kind"])

    assert "publication" in passed


def test_where_nothing_is_due_the_clock_says_so(api: Caller) -> None:
    assert api.made(api.get("/-/clock"))["next"] is None

    api.problem(api.post("/-/clock/advance", {"to": "next"}), 409, "nothing_due")


def test_a_repeated_advance_to_the_next_event_moves_the_clock_once(api: Caller) -> None:
    api.repay(api.borrow()["id"], 1000)

    first = api.made(api.post("/-/clock/advance", {"to": "next"}, **{"Idempotency-Key": "n"}))
    again = api.made(api.post("/-/clock/advance", {"to": "next"}, **{"Idempotency-Key": "n"}))

    assert again == first
