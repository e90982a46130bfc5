"""Plays a scenario on a server from outside, a step at a time, so that others can follow it in the server's console.

POST /-/scenarios/{scenario}/runs ─▶ its address in the console ─▶ a step, a pause, a step … ─▶ over or failed
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from mocklend.client import Client, Doc
from mocklend.scenarios.documents import RUNNING


def console_address(url: str, run: Doc) -> str:
    """Where the console of a server shows a run."""
    return f"{url.rstrip('/')}/console/{run['sandbox_id']}/scenarios/{run['scenario']}"


def played(
    client: Client, run: Doc, pace_s: float, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[tuple[Doc, list[str]]]:
    """Play a run to its end, with a pause before each step. Yields it after each, with the lines for a terminal.

    The client has the key of the run's sandbox. A question is yielded before the pause, and its answer after it.
    """
    while run["state"] == RUNNING:
        guess = run["next"] and run["next"]["guess"]
        if guess:
            yield run, [f"  ? {guess['question']}"]
        sleep(pace_s)
        run = client.scenario_steps(at_step=run["step"])
        yield run, list(_lines(run))


def _lines(run: Doc) -> Iterator[str]:
    """What the last step has shown."""
    for n, chapter in enumerate(run["chapters"], 1):
        newest = [line for line in chapter["lines"] if line["step"] == run["step"]]
        if newest and len(chapter["lines"]) == 1:
            yield f"\n{n}. {chapter['title']}\n  {chapter['story']}"
        for line in newest:
            yield f"  {line['who']}: {line['text']}" + (f" ({line['detail']})" if line["detail"] else "")
    if run["failed"] is not None:
        yield f"  ✗ {run['failed']}"
