"""Runs the story of the 32 borrowers with more seeds than the tests do, and with every selection that lint calls exact.

Exits with FAIL if answer keys of one seed differ, or if a discrepancy has no entry that explains it.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mocklend.exit_codes import ExitCode, sigterm_as_ctrl_c

sys.path.insert(0, str(Path(__file__).parents[1]))

SELECTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"select": {"unit": "entity"}},
    {"select": {"times_per": {"entity": 1}}},
    {"activate": {"start_delay_s": 60, "duration_s": 60 * 86_400}},
    {"activate": {"schedule": "0 9-23 * * *", "duration_s": 5_400}},
    {"activate": {"ramp": {"over_s": 30 * 86_400, "from": 0.2}}},
)
"""Each kind of fault has one of them, another one with the next seed."""


SEEDS_MAX = 100_000


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Print a line per seed: the number of injections, and whether they were the same. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/determinism", description=__doc__)
    parser.add_argument("--seeds", type=int, default=12, help="how many seeds (default: %(default)s)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not 1 <= options.seeds <= SEEDS_MAX:
        parser.error(f"argument --seeds: expected 1 to {SEEDS_MAX}, not {options.seeds}")
    if options.first < 0:
        parser.error(f"argument --first: expected 0 or more, not {options.first}")
    try:
        with sigterm_as_ctrl_c():
            return ExitCode.FAIL if _differ(options.first, options.seeds) else ExitCode.PASS
    except KeyboardInterrupt:
        print("INCONCLUSIVE: interrupted before all seeds were run", flush=True)
        return ExitCode.INCONCLUSIVE


def _differ(first: int, seeds: int) -> bool:
    """Whether any of the seeds came out in two ways, or with something that is not explained."""
    from mocklend.local import local_platform
    from mocklend_faults.engine.catalogue import installed
    from support.concurrent_stories import rule_of, tell

    logging.disable(logging.CRITICAL)  # The server says that requests wait, and that answers break off.
    failed = False
    with local_platform() as url:
        for seed in range(first, first + seeds):
            rules = {}
            for n, kind in enumerate(sorted(installed())):
                more = SELECTIONS[(n + seed) % len(SELECTIONS)]
                select = {"probability": 0.5} | more.get("select", {})
                rules[kind] = rule_of(kind, **select) | {"activate": more.get("activate", {})}
            runs = [
                tell(url, rules, seed=seed, clients=clients, neighbours=32, backwards=clients == 8)
                for clients in (1, 8, 32)
            ]
            audits = [entry.audit for entry in runs]
            unexplained = sum(
                discrepancy["explained_by"] is None for audit in audits for discrepancy in audit["discrepancies"]
            )
            unobserved = sum(len(audit["unobserved"]) for audit in audits)
            verdicts = " ".join(sorted(frozenset.union(*(entry.verdicts for entry in runs))))
            same = len({entry.key for entry in runs}) == 1
            failed = failed or not same or verdicts != "exact" or unexplained + unobserved > 0
            print(
                f"seed {seed}: {verdicts}, {len(runs[0].entries)} lies with 1, 8 and 32 clients, "
                f"{'byte for byte the same' if same else 'AND NOT THE SAME'}; "
                f"{unexplained} discrepancies unexplained, {unobserved} open entries unobserved",
                flush=True,
            )
    return failed


if __name__ == "__main__":
    sys.exit(main())
