"""The files that `mocklend faults new` writes: a fault that already changes something, its test, lesson and page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from pathlib import Path
from string import Template
from typing import Any

from mocklend.seams import SEAMS
from mocklend.seams.seam import Seam

KINDS = Path("faults/mocklend_faults/kinds")
PROJECT = Path("pyproject.toml")
TABLE = '[project.entry-points."mocklend.faults"]\n'
NAME = re.compile(r"[a-z][a-z0-9]*\.[a-z][a-z0-9_]*")

KIND = Template('''"""$sentence"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.$seam_module import $seam_class
from mocklend_faults.engine.fault import $imported


@dataclass(frozen=True, slots=True)
class $kind(Fault):
    """What happens in operations: who does what, and why it goes wrong.

    What the borrower sees, what the books say, and what a reconciler should do about it.
    """

    name: ClassVar[str] = "$name"
    title: ClassVar[str] = "What happens, in a few words"
    finding: ClassVar[str] = "$finding"
    precondition: ClassVar[str] = "What a story needs for this fault to act."
    symptom: ClassVar[Mapping[str, str]] = {"page": "what this view shows that is wrong; name each view, and no other"}
    heals: ClassVar[str] = "What ends it: time, a later event, or a repair."
    action: ClassVar[str] = "What a correct reconciler does."
$setting
    def $method(self, event: $seam_class) -> $seam_class:
        """Whom it hits, and what happens then; the event itself where nothing goes wrong."""
        return $outcome
''')

TEST = Template('''"""$sentence"""

from __future__ import annotations

from dataclasses import replace

from mocklend.seams.$seam_module import $seam_class
from $module import $kind


def test_it_changes_what_happens() -> None:
    event = $seam_class.example()

    assert $kind().$method(event) == $expected


def test_what_is_to_be_found_is_what_the_fault_says() -> None:
    event = $seam_class.example()

    assert event.consequence($kind().$method(event)).finding.finding_class == $kind.finding
''')

LESSON = Template('''"""$sentence"""

from typing import Any


def story(run: Any) -> None:
    """Ada pays an instalment through her wallet."""
    run.repaid(run.client.repay(run.loan(), 10_000, "wallet", type="OVD_AND_CURRENT"))


def repair(run: Any) -> None:
    """What puts it right."""
    run.client.advance("P1D")
''')

PAGE = Template("""# $name: $title

What happens in operations, in a few sentences.

Acts at [`$seam`](../catalogue.md#$anchor). The finding is `$finding`.

## What you see

The views that are wrong (all others are right):

<!-- made: symptom of $name -->
<!-- end -->

## What a good client does

What a client that is on its guard makes of it, with a test that shows it.

## Settings

<!-- made: settings of $name -->
<!-- end -->

## Arm it

```sh
.venv/bin/mocklend faults on $name
```

## Repair

What puts it right.
""")

PACKAGE = Template("""[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "$package"
version = "1"
description = "A fault for Mocklend: $title."
requires-python = ">=3.11"
dependencies = ["mocklend"]

[project.entry-points."mocklend.faults"]
"$name" = "$module"

[tool.hatch.build.targets.wheel]
only-include = ["$module.py"]
""")


@dataclass(frozen=True)
class NewFault:
    """The files of a fault, and its entry point."""

    files: Mapping[Path, str]
    entry_point: str
    registered: bool  # whether the files already have the entry point


def new_fault(name: str, seam: str, folder: Path) -> NewFault:
    """Return the files of a fault at a seam: in a checkout of Mocklend each in its place, elsewhere all in `folder`."""
    checkout = (folder / KINDS).is_dir()
    stem = name.replace(".", "_")
    words = _words(name, SEAMS[seam])
    words["module"] = f"mocklend_faults.kinds.{stem}" if checkout else stem
    entry_point = f'"{name}" = "{words["module"]}"'
    if checkout:
        files = {
            folder / KINDS / f"{stem}.py": KIND.substitute(words),
            folder / "tests/faults/kinds" / f"test_{stem}.py": TEST.substitute(words),
            folder / "tests/faults/lessons" / f"{stem}.py": LESSON.substitute(words),
            folder / "docs/faults" / f"{name}.md": PAGE.substitute(words),
        }
        return NewFault(files, entry_point, registered=False)
    files = {folder / f"{stem}.py": KIND.substitute(words), folder / f"test_{stem}.py": TEST.substitute(words)}
    alone = not (folder / PROJECT).exists()
    if alone:
        files[folder / PROJECT] = PACKAGE.substitute(words)
    return NewFault(files, entry_point, registered=alone)


def register(project: Path, entry_point: str) -> bool:
    """Insert the entry point into the project's table of faults. False if there is no such table."""
    text = project.read_text(encoding="utf-8")
    head, table, rest = text.partition(TABLE)
    if not table:
        return False
    end = re.match(r'(?:".*\n)*', rest)
    assert end is not None, "the pattern also matches nothing"
    lines = end[0].splitlines(keepends=True)
    after = next((n for n, line in enumerate(lines) if line > entry_point), len(lines))
    lines.insert(after, entry_point + "\n")
    rest = "".join(lines) + rest[end.end() :]
    file = entry_point.rpartition(" = ")[2].replace('"', "") + ".py"
    # A package of faults names the files of its wheel.
    rest = re.sub(r"^only-include = \[(.+)\]$", rf'only-include = [\1, "{file}"]', rest, flags=re.MULTILINE)
    project.write_text(head + table + rest, encoding="utf-8")
    return True


def _words(name: str, seam: type[Seam]) -> dict[str, str]:
    title = name.partition(".")[2].replace("_", " ")
    words = {
        "name": name,
        "title": title,
        "sentence": f"{title.capitalize()}: what goes wrong, in a sentence.",
        "package": name.replace(".", "-").replace("_", "-"),
        "kind": "".join(word.capitalize() for word in name.partition(".")[2].split("_")),
        "seam": seam.seam,
        "seam_class": seam.__name__,
        "seam_module": seam.__module__.rpartition(".")[2],
        "method": seam.seam.replace(".", "_"),
        "anchor": re.sub(r"[^\w\- ]", "", seam.seam),
    }
    return words | _change(seam)


def _change(seam: type[Seam]) -> dict[str, str]:
    """Return the generated change: of a number or a flag that the seam lets a fault change, if there is one."""
    event = seam.example()
    fields_of_seam = [field for field in fields(seam) if field.default is not MISSING]
    for field in fields_of_seam:
        if _is(field, bool):
            value: Any = not getattr(event, field.name)
            outcome = f"replace(event, {field.name}={value})"
            return _words_of(event, replace(event, **{field.name: value}), outcome, outcome)
    for field in fields_of_seam:
        if _is(field, int):
            before = f"event.{field.name}" if field.type == "int" else f"(event.{field.name} or 0)"
            setting = f'\n    {field.name}: int = setting(1, "By how much, with the unit in the name.")\n'
            value = (getattr(event, field.name) or 0) + 1
            changed = replace(event, **{field.name: value})
            outcome, expected = (f"replace(event, {field.name}={before} + {by})" for by in (f"self.{field.name}", "1"))
            return _words_of(event, changed, outcome, expected) | {"setting": setting, "imported": "Fault, setting"}
    names = ", ".join(field.name for field in fields_of_seam)
    return _words_of(event, event, f"replace(event)  # What goes wrong is yours to say: {names}.", "replace(event)")


def _is(field: Field[object], kind: type) -> bool:
    return field.type in (kind.__name__, f"{kind.__name__} | None")


def _words_of(event: Seam, changed: Seam, outcome: str, expected: str) -> dict[str, str]:
    finding = event.consequence(changed).finding.finding_class
    return {"outcome": outcome, "expected": expected, "finding": finding, "setting": "", "imported": "Fault"}
