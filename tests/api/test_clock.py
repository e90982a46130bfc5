from typing import Any

import pytest


@pytest.mark.parametrize(
    ("asked", "now"),
    [
        ({"by": 90}, "2026-01-05T02:01:30.000Z"),
        ({"by": "PT1H30M"}, "2026-01-05T03:30:00.000Z"),
        ({"by": "P1D"}, "2026-01-06T02:00:00.000Z"),
        ({"by": 0}, "2026-01-05T02:00:00.000Z"),
        ({"to": "2026-01-05T11:00:00+08:00"}, "2026-01-05T03:00:00.000Z"),
    ],
)
def test_a_manual_clock_moves_when_told(api: Any, asked: dict[str, Any], now: str) -> None:
    assert api.made(api.post("/-/clock/advance", asked))["now"] == now

    assert api.made(api.get("/-/clock"))["now"] == now


def test_advancing_answers_what_it_released_in_order(api: Any) -> None:
    repayment = api.repay(api.borrow()["id"], 1000)

    released = api.wait("PT1H")["released"]

    assert [(one["at"], one["kind"], one["id"]) for one in released] == [
        ("2026-01-05T02:00:02.000Z", "settlement", repayment["out_trade_no"]),
        ("2026-01-05T02:00:02.000Z", "callback", "cb_" + repayment["id"].removeprefix("rpy_")),
    ]


def test_a_clock_does_not_go_back(api: Any) -> None:
    back = api.post("/-/clock/advance", {"to": "2026-01-05T01:59:59Z"})

    api.problem(back, 422, "clock_backwards")


def test_a_running_clock_cannot_be_moved(stranger: Any) -> None:
    api = stranger

    api.problem(api.post("/-/clock/advance", {"by": 1}), 409, "clock_not_manual")


@pytest.mark.parametrize(
    "asked",
    [{}, {"by": 1, "to": "2027-01-05T01:59:59Z"}, {"by": -1}, {"by": "soon"}, {"by": "P"}, {"by": 1.5}, {"by": True},
     {"by": 2**63}, {"by": "P999999D"}, {"to": "tomorrow"}, {"to": 1}, {"by": 31_000_000_000}, {"seconds": 1}],
)  # fmt: skip
def test_a_clock_moves_by_a_length_of_time_or_to_a_moment(api: Any, asked: dict[str, Any]) -> None:
    api.problem(api.post("/-/clock/advance", asked), 422, "validation_failed")
