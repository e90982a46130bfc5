"""Compares the writer's processor time with the code of this checkout and of another commit, in one run.

    scripts/writer fc4cbf0

Each round runs both, one after the other, on one thread and without a server. It measures the processor time of
borrowing, ordering a repayment, settling it, and delivering its callback with the postings. The figures are the medians
over the rounds. The ratio is the median of the ratios of each round, so that other load of the machine affects both
sides.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import tool
from other_commit import ROOT, checked_out, commit_of, end_of_log, running

from mocklend.exit_codes import ExitCode

SAMPLE = ROOT / "loadtests" / "writer_sample.py"
Sample = Mapping[str, float]
"""Microseconds by kind of command."""


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """PASS if both were measured; FAIL if a bound is given and the ratio is above it."""
    parser = argparse.ArgumentParser(
        prog="scripts/writer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", metavar="BASE", help="the commit to compare with")
    parser.add_argument("--rounds", type=tool.whole(1, 100), default=7, help="how often each is run (%(default)s)")
    parser.add_argument("--loans", type=tool.whole(1, 5_000), default=256, help="how many loans (%(default)s)")
    parser.add_argument("--callback-at-max", type=tool.number(0.01, 10), help="the ratio that a callback may have")
    options = parser.parse_args(arguments)
    return tool.concluded(lambda: _measured(options), as_json=False)


def ratios(before: Sequence[Sample], now: Sequence[Sample]) -> dict[str, float]:
    """For each kind of command the median of the ratios of the rounds."""
    return {kind: median(new[kind] / old[kind] for old, new in zip(before, now, strict=True)) for kind in before[0]}


def _measured(options: argparse.Namespace) -> ExitCode:
    commit = commit_of(options.base)
    before: list[Sample] = []
    now: list[Sample] = []
    with (
        tempfile.TemporaryDirectory(prefix="mocklend-writer-") as name,
        checked_out(commit, Path(name, "tree")) as tree,
    ):
        for number in range(1, options.rounds + 1):
            for samples, where, side in ((before, tree, "before"), (now, ROOT, "now")):
                samples.append(_sample(where, Path(name, side), options.loans))
            tool.say(f"round {number} of {options.rounds}")
    by_kind = ratios(before, now)
    print(f"{'us per command':22} {commit[:10]:>10} {'now':>10} {'ratio':>7}")
    for kind, ratio in by_kind.items():
        was, is_ = median(sample[kind] for sample in before), median(sample[kind] for sample in now)
        print(f"{kind:22} {was:10.0f} {is_:10.0f} {ratio:7.2f}")
    bound = options.callback_at_max
    if bound is not None and by_kind["callback with booking"] > bound:
        print(f"FAIL: a callback costs more than {bound:g} times what it cost")
        return ExitCode.FAIL
    print("PASS")
    return ExitCode.PASS


def _sample(tree: Path, out: Path, loans: int) -> Sample:
    with running(tree, SAMPLE, [str(loans)], out) as process:
        if process.wait():
            raise tool.CutShort(f"the measurement failed {out.name}: {end_of_log(out)}")
    sample: Sample = json.loads(end_of_log(out).splitlines()[-1])
    return sample


if __name__ == "__main__":
    sys.exit(main())
