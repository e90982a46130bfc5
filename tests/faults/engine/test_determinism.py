"""The same rules and stories give the same answer key, in whatever order and groups the commands come."""

from __future__ import annotations

import random

import orjson
from msgspec import structs

from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.seam import Seam
from mocklend.seams.signals import recorded
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.storage.engines import open_engine
from mocklend_faults.engine import FaultLayer
from support.databases import Databases
from support.events import example
from support.layer_harness import DROP, LAG, MARK, LayerHarness

Step = Seam | tuple[str, ...]


def story(loan: int) -> list[Step]:
    """One loan's own story: six repayments, each seen at three seams. All of it happens at one moment."""
    id = f"loan_{loan}"
    steps: list[Step] = []
    for n in range(1, 7):
        steps += [
            example(CallbackAttempt, entity=f"rpy_{loan}_{n}", repayment_id=f"rpy_{loan}_{n}", loan_id=id),
            (recorded(id),),
            example(ViewRefresh, entity=id, loan_id=id, occurrence=2 * n),
            example(RepaymentFiled, entity=f"rpy_{loan}_{n}", occurrence=1, loan_id=id, edit_id=f"edt_{loan}_{n}"),
            example(ViewRefresh, entity=id, loan_id=id, occurrence=2 * n + 1),
        ]
    return steps


def interleaved(stories: list[list[Step]], seed: int) -> list[Step]:
    """The stories, each in its own order, shuffled into each other as many clients would."""
    dice = random.Random(seed)
    left = [list(story) for story in stories]
    steps = []
    while any(left):
        steps.append(dice.choice([story_left for story_left in left if story_left]).pop(0))
    return steps


def arm_all(harness: LayerHarness, probability: float) -> None:
    for id, fault in (("lag", LAG), ("drop", DROP), ("mark", MARK)):
        harness.arm(id, fault, select={"probability": probability})


def test_the_answer_key_is_byte_equal_in_any_interleaving(databases: Databases, harness: LayerHarness) -> None:
    keys = []
    for run, group_size in enumerate((1, 3, 16)):
        harness.engine = open_engine(databases(f"run{run}"), fast=True)
        harness.sandbox = structs.replace(harness.sandbox, rules_version=0)
        harness.layer = FaultLayer(harness.layer.catalogue.values())
        arm_all(harness, 0.5)
        steps = interleaved([story(loan) for loan in range(8)], run)

        for start in range(0, len(steps), group_size):
            harness.group(*steps[start : start + group_size])

        keys.append(orjson.dumps([entry.to_json() for entry in harness.key()]))
        harness.engine.dispose()
    assert len(orjson.loads(keys[0])) > 40
    assert keys[0] == keys[1] == keys[2]


def test_raising_the_probability_keeps_every_earlier_injection(databases: Databases, harness: LayerHarness) -> None:
    injected = []
    for run, probability in enumerate((0.1, 0.2)):
        harness.engine = open_engine(databases(f"run{run}"), fast=True)
        harness.sandbox = structs.replace(harness.sandbox, rules_version=0)
        harness.layer = FaultLayer(harness.layer.catalogue.values())
        arm_all(harness, probability)
        harness.group(*(step for loan in range(8) for step in story(loan)))
        injected.append({entry.injection for entry in harness.key()})
        harness.engine.dispose()

    assert injected[0] < injected[1]
