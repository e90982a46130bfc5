"""Runs a scenario in a new sandbox: arms rules, makes requests, checks claims. The first claim that fails ends it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import TextIO

from mocklend import __version__
from mocklend.client import Client
from mocklend.exit_codes import ExitCode
from mocklend.language import Language
from mocklend.local import local_platform
from mocklend.scenarios.narrator import Narrator, NotAsTold
from mocklend.scenarios.play import Play
from mocklend.scenarios.text import Scenario


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    as_json: bool = False,
    out: TextIO | None = None,
    language: Language = Language.EN,
    at_end: Callable[[Play, Narrator], None] | None = None,
) -> ExitCode:
    """Run a scenario on a new local platform. Returns PASS if every claim holds, else FAIL.

    `at_end` is called with the run, while its platform still answers the narrator's client.
    """
    out = plain(out)
    narrator = Narrator(None if as_json else out, language)
    with local_platform() as url:
        tell(narrator, url, scenario, seed=seed, at_end=at_end)
    if as_json:
        print(json.dumps(narrator.to_json(), indent=2, ensure_ascii=False), file=out)
    elif narrator.as_told:
        narrator.end(narrator.count, "mocklend scenario list")
    return ExitCode.PASS if narrator.as_told else ExitCode.FAIL


def plain(out: TextIO | None) -> TextIO:
    """The stream to print to. Characters that the terminal's encoding lacks are replaced."""
    out = out or sys.stdout
    if isinstance(out, TextIOWrapper):
        out.reconfigure(errors="replace")
    return out


def tell(
    narrator: Narrator,
    url: str,
    scenario: Scenario,
    *,
    seed: int | None = None,
    at_end: Callable[[Play, Narrator], None] | None = None,
) -> bool:
    """Run a scenario on the platform at this URL, in a new sandbox. Returns whether every claim holds."""
    actual_seed = scenario.seed if seed is None else seed
    narrator.begin(scenario.title, scenario.story, version=__version__, seed=actual_seed)
    with Client(url) as anyone:
        anyone.on_exchange = narrator.hear
        narrator.client = anyone.sandbox(seed=actual_seed, now=scenario.starts, **scenario.sandbox)
        with narrator.client:
            play = Play(scenario, narrator)
            try:
                if not anyone.health()["layer"]:
                    raise NotAsTold(narrator.translated("this platform has no fault layer: install mocklend_faults"))
                _play_to_the_end(play)
                narrator.close(open_end=scenario.open_end)
            except NotAsTold as failure:
                narrator.surprise(failure)
            if at_end is not None:
                at_end(play, narrator)
    return narrator.as_told


def tell_chapters(narrator: Narrator, scenario: Scenario) -> None:
    """Run the chapters in the sandbox of the narrator's client. Raises NotAsTold if a claim fails."""
    _play_to_the_end(Play(scenario, narrator))


def _play_to_the_end(play: Play) -> None:
    while not play.is_over:
        play.step()
