"""The state machine of the identity, composed of its actors, and random walks of any length through it."""

from __future__ import annotations

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from identity.actors.base import STEPS_A_STORY
from identity.actors.channels import Channels
from identity.actors.faults import Faults


class Story(Channels, Faults):
    """Any sequence of steps of clients, staff, channels, time and faults."""


def walk(steps: int, seed: int, *, shrink: bool = True, options: str = "") -> int:
    """Walk stories until at least so many steps are taken; the number taken. `options`: more of the command's.

    A failure is told as soon as it is found, with the seed. A shorter story is looked for only then, which may take
    many times as long; the error that is raised is that of the shorter story.
    """
    start, round_ = Story.steps, 0
    while Story.steps - start < steps:
        stories = max(2, (steps - (Story.steps - start)) // STEPS_A_STORY + 1)
        hypothesis.seed(seed + 1_000_003 * round_)(Story)
        chosen = settings(
            max_examples=min(stories, 200),
            stateful_step_count=STEPS_A_STORY,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        try:
            run_state_machine_as_test(Story, settings=chosen)
        except Exception as found:
            print(f"\nfound after {Story.steps - start} steps: {type(found).__name__}: {found}")
            print(again(steps, seed) + options, flush=True)
            if shrink:
                # Hypothesis would say nothing until it has shrunk: so the round is walked again, and shrunk only now.
                print("walking there again, then looking for a shorter story", flush=True)
                run_state_machine_as_test(Story, settings=settings(chosen, phases=[Phase.generate, Phase.shrink]))
            raise
        round_ += 1
    return Story.steps - start


def again(steps: int, seed: int) -> str:
    """The command that walks the same way once more."""
    return f"to walk this again: scripts/identity --steps {steps} --seed {seed}"
