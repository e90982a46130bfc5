"""A reconciler of somebody's own, run in a process of its own, which has the staff's key and not the answer key.

        mocklend reconcile --with mine.py ─▶ python -m mocklend.reconcilers.alone mine.py ─▶ reconcile(client)
                                 stdin: address, staff key, tokens but that of the control plane
                                 stdout: {"findings": …}, or why there are none; what it prints goes to stderr

The process has none of the variables MOCKLEND_… This keeps honest work honest. It is no jail: code that runs as the
same user of the same machine can read that user's files and processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mocklend.client import Client
from mocklend.reconcilers.found import Found
from mocklend.reconcilers.named import UnknownReconciler, named


class ReconcilerFailed(RuntimeError):
    """The reconciler failed, or returned something other than findings. The reason is on stderr."""


def run_alone(file: str, url: str, *, timeout_s: float, api_key: str, tokens: Mapping[str, str | None]) -> list[Found]:
    """What the reconciler of a file finds, over a client that has this key and these tokens, and nothing of ours."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("MOCKLEND_")}
    options = {"base_url": url, "api_key": api_key, "timeout_s": timeout_s, **tokens}
    done = subprocess.run(
        [sys.executable, "-m", __name__, file],
        input=json.dumps(options).encode(),
        stdout=subprocess.PIPE,
        env=environment,
        check=False,
    )
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise ReconcilerFailed(f"{file} ended with {done.returncode} and without findings") from None
    if "unknown" in told:
        raise UnknownReconciler(told["unknown"])
    if "failed" in told:
        raise ReconcilerFailed(f"{file} failed: {told['failed']}")
    return [Found(finding.pop("class"), **finding) for finding in told["findings"]]


def _told(file: str, options: dict[str, Any]) -> dict[str, Any]:
    try:
        look = named(file)
        with Client(**options) as client:
            return {"findings": [one.to_json() for one in look(client)]}
    except UnknownReconciler as unknown:
        return {"unknown": str(unknown)}
    except Exception as failure:  # Whatever somebody else's code does.
        traceback.print_exc()
        return {"failed": f"{type(failure).__name__}: {failure}"[:500]}


def main() -> None:
    """The process: what its code prints is for people, so it goes to stderr, and the findings alone to stdout."""
    options = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as told:
        os.dup2(2, 1)
        sys.path.insert(0, str(Path.cwd()))
        json.dump(_told(sys.argv[1], options), told)


if __name__ == "__main__":
    main()
