"""Telling a story: a platform of its own, a sandbox, the story told there, and what comes of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from typing import Any, TextIO

from mocklend.client import Client, numbered_keys
from mocklend.demo.story import NotAsTold, Story
from mocklend.exit_codes import ExitCode
from mocklend.local import local_platform


def tell(
    begin: Callable[[Story, str], None],
    scenes: Callable[[Story], None],
    *,
    seed: int,
    starts: str,
    next_command: str,
    sandbox: Mapping[str, Any] | None = None,
    open_end: bool = False,
    as_json: bool = False,
    out: TextIO | None = None,
) -> ExitCode:
    """Tell it all. `begin` has the platform's address. PASS where everything was as told, FAIL where something was not.

    `sandbox` has more to make it with; with `open_end` lies may still be told when the story is over.
    """
    out = out or sys.stdout
    if isinstance(out, TextIOWrapper):
        out.reconfigure(errors="replace")  # A terminal may lack an arrow.
    with local_platform() as url, Client(url) as anyone:
        story = Story(None if as_json else out)
        begin(story, url)
        anyone.on_exchange = story.hear
        story.client = anyone.sandbox(seed=seed, now=starts, **(sandbox or {}))
        story.client.next_key = numbered_keys()
        try:
            if not anyone.health()["layer"]:
                raise NotAsTold("there is no fault layer here, so there are no lies to tell: install mocklend_faults")
            scenes(story)
            story.close(next_command, open_end=open_end)
        except NotAsTold as surprise:
            story.surprise(surprise)
        finally:
            story.client.close()
    if as_json:
        print(json.dumps(story.to_json(), indent=2, ensure_ascii=False), file=out)
    return ExitCode.PASS if story.as_told else ExitCode.FAIL
