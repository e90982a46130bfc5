"""Runs random walks of the identity's state machine for longer than the tests do, and prints its progress.

Exits with FAIL at the first discrepancy without an entry, or the reverse. The failure, the seed and the command that
repeats the walk are printed at once, before Hypothesis searches for a shorter story, which may take long.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mocklend.exit_codes import ExitCode, sigterm_as_ctrl_c

sys.path.insert(0, str(Path(__file__).parents[1]))

SQLITE, POSTGRESQL = "sqlite", "postgresql"
EVERY_S = 2.0
STEPS_MAX = 100_000_000


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Walk, say how far, and return the exit code."""
    options = _options(arguments)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed

    from identity.actors import base
    from support.postgresql import running

    if options.engine == SQLITE:
        return _walk(options.steps, seed, "")
    with running() as url:
        base.DATABASES.append(url)
        base.PROCESSES[0] = options.processes
        try:
            return _walk(options.steps, seed, f" --engine {POSTGRESQL} --processes {options.processes}")
        finally:
            while base.PLATFORMS:
                base.PLATFORMS.pop().close()


def _walk(steps: int, seed: int, more: str) -> ExitCode:
    from identity import state_machine

    print(f"walking at least {steps} steps from seed {seed}", flush=True)
    began = time.monotonic()
    story = state_machine.Story
    start = story.steps

    def so_far() -> str:
        return f"{story.steps - start} of {steps} steps, {time.monotonic() - began:.0f} s, seed {seed}"

    try:
        with sigterm_as_ctrl_c(), _every(EVERY_S, lambda: print(so_far(), flush=True)):
            walked = state_machine.walk(steps, seed, options=more)
    except KeyboardInterrupt:
        print(f"INCONCLUSIVE: told to stop after {so_far()}; nothing was found until then", flush=True)
        return ExitCode.INCONCLUSIVE
    except Exception:
        traceback.print_exc()
        print(f"FAIL: {state_machine.again(steps, seed)}{more}", flush=True)
        return ExitCode.FAIL
    took = time.monotonic() - began
    print(f"{walked} steps in {took:.0f} s: after each one, discrepancies == open entries of the answer key")
    return ExitCode.PASS


@contextmanager
def _every(seconds: float, do: Callable[[], None]) -> Iterator[None]:
    """Do it again and again beside the block."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(seconds):
            do()

    beside = threading.Thread(target=repeat, name="progress", daemon=True)
    beside.start()
    try:
        yield
    finally:
        over.set()
        beside.join()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/identity", description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000, help="how many steps at least (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=None, help="where to start; printed, so that a walk can be repeated"
    )
    parser.add_argument(
        "--engine", choices=(SQLITE, POSTGRESQL), default=None,
        help="the database (default: sqlite, or postgresql with several processes)",
    )  # fmt: skip
    parser.add_argument(
        "--processes", type=int, default=1, choices=range(1, 17), metavar="N",
        help="over how many processes on one PostgreSQL, each taking its turn (default: %(default)s)",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.engine == SQLITE and options.processes > 1:
        parser.error("argument --processes: several processes need --engine postgresql")
    options.engine = options.engine or (SQLITE if options.processes == 1 else POSTGRESQL)
    if not 1 <= options.steps <= STEPS_MAX:
        parser.error(f"argument --steps: expected 1 to {STEPS_MAX}, not {options.steps}")
    return options


if __name__ == "__main__":
    sys.exit(main())
