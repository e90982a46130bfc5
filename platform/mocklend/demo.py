"""The demo: five of the shipped scenarios, run one after the other on one platform.

The first has no fault; in the other four a difference is seen, explained and repaired. A claim that does not hold ends
the demo, and its exit code says so.
"""

from __future__ import annotations

import json
from typing import TextIO

from mocklend import __version__
from mocklend.exit_codes import ExitCode
from mocklend.language import Language
from mocklend.local import local_platform
from mocklend.scenarios.narrator import Count, Narrator
from mocklend.scenarios.telling import plain, tell
from mocklend.scenarios.text import scenarios

SCENARIOS = ("repaid-through-every-channel", "stale-page", "lost-callback", "wrong-amount", "marked-overdue")

OPENING = (
    "A lending platform that misbehaves on purpose, and knows exactly how. It runs at {url}, with its books on SQLite "
    "in a temporary folder. Every request below is real; the seed is {seed}."
)


def run(
    *,
    seed: int,
    as_json: bool = False,
    out: TextIO | None = None,
    command: str = "mocklend",
    language: Language = Language.EN,
) -> ExitCode:
    """Run the demo's scenarios. PASS if every claim holds, FAIL if one does not or a scenario is not installed."""
    out = plain(out)
    shipped = scenarios()
    narrators: list[Narrator] = []
    with local_platform() as url:
        opening = Narrator(None if as_json else out, language)
        opening.heading(
            f"Mocklend {__version__}",
            opening.translated(OPENING, url=url, seed=seed),
        )
        for number, name in enumerate(SCENARIOS, 1):
            if name not in shipped:
                opening.say(
                    "There is no scenario {name}, so there are no lies to tell: install mocklend_faults.", name=name
                )
                break
            opening.say("Story {number} of {count}, {name}:", number=number, count=len(SCENARIOS), name=name)
            narrators.append(Narrator(None if as_json else out, language))
            if not tell(narrators[-1], url, shipped[name], seed=seed):
                break
    as_told = len(narrators) == len(SCENARIOS) and all(narrator.as_told for narrator in narrators)
    if as_json:
        facts = {
            "mocklend": __version__,
            "seed": seed,
            "as_told": as_told,
            "scenarios": [narrator.to_json() for narrator in narrators],
        }
        print(json.dumps(facts, indent=2, ensure_ascii=False), file=out)
    elif as_told:
        opening.end(sum((narrator.count for narrator in narrators), Count()), f"{command} serve")
    return ExitCode.PASS if as_told else ExitCode.FAIL
