"""Walks the identity's state machine for longer than the tests do, and prints what it took."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    """Walk, print one line, leave with 0; a discrepancy without an entry, or the reverse, leaves with a traceback."""
    parser = argparse.ArgumentParser(prog="scripts/identity", description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000, help="how many steps at the least (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=None, help="where to start; printed, so that a walk can be repeated"
    )
    arguments = parser.parse_args()
    seed = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed

    import test_identity

    print(f"walking at least {arguments.steps} steps from seed {seed}", flush=True)
    began = time.monotonic()
    taken = test_identity.walk(arguments.steps, seed)
    took = time.monotonic() - began
    print(f"{taken} steps in {took:.0f} s: after each one, discrepancies == open entries of the answer key")


if __name__ == "__main__":
    main()
