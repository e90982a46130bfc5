"""Runs a user's reconciler in a process of its own, which has the staff key and so not the answer key.

        mocklend reconcile --with mine.py ─▶ python -m mocklend.reconcilers.alone mine.py ─▶ reconcile(client)
                                 stdin: address, staff key, tokens but that of the control plane
                                 stdout: {"findings": …}, or why there are none; what it prints goes to stderr

The process has none of the variables MOCKLEND_…, so that the answer key cannot be used by accident. It is not a
sandbox: code of the same user of the same machine can read that user's files and processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from mocklend.client import Client, Doc
from mocklend.reconcilers.found import Found
from mocklend.reconcilers.named import UnknownReconciler, named


class ReconcilerFailed(RuntimeError):
    """The reconciler failed, or returned something other than findings. The reason is on stderr."""


def run_alone(file: str, url: str, *, timeout_s: float, api_key: str, tokens: Mapping[str, str | None]) -> list[Found]:
    """Run the reconciler of a file, with a client that has this key and these tokens. Returns its findings.

    Raises ReconcilerFailed, UnknownReconciler.
    """
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("MOCKLEND_")}
    options = {"base_url": url, "api_key": api_key, "timeout_s": timeout_s, **tokens}
    process = subprocess.run(
        [sys.executable, "-m", __name__, file],
        input=json.dumps(options).encode(),
        stdout=subprocess.PIPE,
        env=environment,
        check=False,
    )
    try:
        result = json.loads(process.stdout)
    except ValueError:
        raise ReconcilerFailed(f"{file} ended with {process.returncode} and without findings") from None
    if "unknown" in result:
        raise UnknownReconciler(result["unknown"])
    if "failed" in result:
        raise ReconcilerFailed(f"{file} failed: {result['failed']}")
    return [Found(finding.pop("class"), **finding) for finding in result["findings"]]


def _run(file: str, options: Doc) -> Doc:
    try:
        reconcile = named(file)
        with Client(**options) as client:
            found = reconcile(client)
            return {"findings": [{**finding.to_json(), "currency": finding.currency} for finding in found]}
    except UnknownReconciler as unknown:
        return {"unknown": str(unknown)}
    except Exception as failure:  # The user's code may raise anything.
        traceback.print_exc()
        return {"failed": f"{type(failure).__name__}: {failure}"[:500]}


def main() -> None:
    """Run the reconciler. What its code prints goes to stderr; stdout has the findings only."""
    options = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        sys.path.insert(0, str(Path.cwd()))
        json.dump(_run(sys.argv[1], options), output)


if __name__ == "__main__":
    main()
