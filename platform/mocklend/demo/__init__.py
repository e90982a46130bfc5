"""The demo: five short stories, told with the platform's real requests and answers.

It starts the real platform, plays the scenes over HTTP in a sandbox of their own and checks every claim it
makes: one that does not hold ends the demo, and its exit code says so.
"""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from typing import TextIO

from mocklend import __version__
from mocklend.client import Client, numbered_keys
from mocklend.demo.scenes import SCENES
from mocklend.demo.story import NotAsTold, Story
from mocklend.local import local_platform

START = "2026-01-05T02:00:00Z"


def run(*, seed: int, as_json: bool = False, out: TextIO | None = None, command: str = "mocklend") -> int:
    """Tell it all. 0 where everything was as told, 1 where something was not."""
    out = out or sys.stdout
    if isinstance(out, TextIOWrapper):
        out.reconfigure(errors="replace")  # A terminal may lack an arrow.
    with local_platform() as url, Client(url) as anyone:
        story = Story(None if as_json else out)
        story.open(version=__version__, url=url, seed=seed)
        anyone.on_exchange = story.hear
        story.client = anyone.sandbox(seed=seed, now=START)
        story.client.next_key = numbered_keys()
        try:
            if not anyone.health()["layer"]:
                raise NotAsTold("there is no fault layer here, so there are no lies to tell: install mocklend_faults")
            for scene in SCENES:
                scene(story)
            story.close(f"{command} serve")
        except NotAsTold as surprise:
            story.surprise(surprise)
        finally:
            story.client.close()
    if as_json:
        print(json.dumps(story.to_json(), indent=2, ensure_ascii=False), file=out)
    return 0 if story.as_told else 1
