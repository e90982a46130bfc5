"""The demo: five short stories, told with the platform's real requests and answers.

It starts the real platform, plays the scenes over HTTP in a sandbox of their own and checks every claim it
makes: one that does not hold ends the demo, and its exit code says so.
"""

from __future__ import annotations

from typing import TextIO

from mocklend import __version__
from mocklend.demo.scenes import SCENES
from mocklend.demo.story import Story
from mocklend.demo.telling import tell
from mocklend.exit_codes import ExitCode

START = "2026-01-05T02:00:00Z"


def run(*, seed: int, as_json: bool = False, out: TextIO | None = None, command: str = "mocklend") -> ExitCode:
    """Tell it all. PASS where everything was as told, FAIL where something was not."""

    def begin(story: Story, url: str) -> None:
        story.open(version=__version__, url=url, seed=seed)

    def scenes(story: Story) -> None:
        for scene in SCENES:
            scene(story)

    return tell(begin, scenes, seed=seed, starts=START, next_command=f"{command} serve", as_json=as_json, out=out)
