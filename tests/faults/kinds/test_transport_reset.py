"""transport.reset: the work is done, and its answer breaks on the way."""

from __future__ import annotations

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.kinds.transport_reset import Reset
from support.events import example, example_read
from support.layer_harness import LayerHarness


def test_the_work_is_done_and_the_answer_breaks() -> None:
    outcome = Reset().api_answer(example(ApiAnswer))

    assert (outcome.break_how, outcome.before_work, outcome.answer_code) == ("reset", False, None)


def test_an_answer_breaks_once() -> None:
    broken = example_read(break_how="abort")

    assert Reset().api_answer(broken) == broken


def test_it_is_over_at_once_and_nothing_has_to_be_reported(harness: LayerHarness) -> None:
    consequence = example_read().consequence(Reset().api_answer(example_read()))

    assert (consequence.finding.finding_class, consequence.finding.amount_minor) == ("timing", 0)
    assert (consequence.until_ms, consequence.ends_on) == (harness.now_ms, {})
    assert consequence.served["break"] == "reset"
