"""Every installed kind of fault in one story of 32 borrowers over HTTP: what lint calls exact is exact, and only that.

Between the chapters a manual clock moves; within one, who comes first is up to the threads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from mocklend.seams import SEAMS
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.lint import EXACT, ORDER
from support import concurrent_stories

KINDS = sorted(installed())
NOT_IN_THE_STORY: Mapping[str, str] = {}
"""Kinds that the story gives no occasion to act, and why it cannot."""
AT_A_REQUEST = frozenset(name for name, seam in SEAMS.items() if seam.by_request)
"""Seams that a client comes to. To the others the clock comes, in the order of ids, whoever was there first."""


@pytest.mark.long
def test_with_1_8_and_32_clients_every_kind_has_the_same_answer_key(
    mocklend_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")  # The server says that requests wait, and that answers break off.
    rules = {kind: concurrent_stories.rule_of(kind, probability=0.5) for kind in KINDS}

    sample, eight, many = (
        concurrent_stories.tell(mocklend_server, rules, clients=clients, neighbours=32, backwards=clients == 8)
        for clients in (1, 8, 32)
    )

    assert sample.verdicts == {EXACT}
    assert {entry["fault"] for entry in sample.entries} == set(KINDS) - NOT_IN_THE_STORY.keys()
    assert sample.key == eight.key
    assert sample.key == many.key
    assert [discrepancy for discrepancy in sample.audit["discrepancies"] if discrepancy["explained_by"] is None] == []
    assert sample.audit["unobserved"] == []


@pytest.mark.long
def test_a_rule_that_acts_once_depends_on_the_order(mocklend_server: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
    kinds = [kind for kind in KINDS if set(installed()[kind].seams()) <= AT_A_REQUEST]
    rules = {kind: concurrent_stories.rule_of(kind, times=1) for kind in kinds}

    forwards, backwards = (
        concurrent_stories.tell(mocklend_server, rules, clients=1, neighbours=8, backwards=turned)
        for turned in (False, True)
    )

    assert forwards.verdicts == {ORDER}
    assert _acts(forwards).keys() == _acts(backwards).keys() == set(kinds)
    assert [kind for kind in kinds if _acts(forwards)[kind] == _acts(backwards)[kind]] == []


def _acts(run: concurrent_stories.ConcurrentRun) -> dict[str, list[Any]]:
    """What each kind did to whom."""
    actions = defaultdict(list)
    for entry in run.entries:
        actions[entry["fault"]].append((entry["seam"], entry["entity"], entry["occurrence"]))
    return actions
