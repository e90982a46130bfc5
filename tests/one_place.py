"""Checks that some names are used in listed files only: a part of `scripts/check`, beside the import contracts.

A table can be read by SQL in any file, without an import. So its name may stand in the files that are listed here with
the reason, and in no other file of the two packages, not even in a comment.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mocklend.exit_codes import ExitCode

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("platform", "faults")

ONLY_IN: Mapping[str, Mapping[str, str]] = {
    "world_facts": {
        "platform/mocklend/world/__init__.py": "the one that everybody else is to import it from",
        "platform/mocklend/storage/schema.py": "all tables are declared there",
        "platform/mocklend/storage/ddl.py": "its triggers refuse updates and deletes",
    },
}
"""A name, the files that have it, and why they do."""


def misplaced(root: Path) -> Iterator[str]:
    """Each line of a file that has a name of another place, and each file that is listed and does not have its name."""
    files = [path for source in SOURCES for path in sorted((root / source).rglob("*.py"))]
    for name, places in ONLY_IN.items():
        whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        names: set[str] = set()
        for path in files:
            where = str(path.relative_to(root))
            for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if whole.search(line):
                    names.add(where)
                    if where not in places:
                        yield f"{where}:{n}: {name} may stand in {', '.join(places)} only"
        yield from (
            f"{where}: listed in {Path(__file__).name} for {name}, and has none" for where in places.keys() - names
        )


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """FAIL where a name is out of its place; the root is the first argument, this checkout without one."""
    options = sys.argv[1:] if arguments is None else arguments
    wrong = list(misplaced(Path(options[0]) if options else ROOT))
    print("\n".join(wrong) if wrong else "every name is in its place")
    return ExitCode.FAIL if wrong else ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())
