"""What pages take from the code: each block between `<!-- made: what -->` and `<!-- end -->`, by its name."""

from __future__ import annotations

import ast
import inspect
import io
import json
import re
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from mocklend.audit.checks import CHECKS
from mocklend.client import Doc
from mocklend.dataset.making import columns_table
from mocklend.domain.finding import CLASSES
from mocklend.domain.problems import PROBLEMS
from mocklend.exit_codes import MEANINGS, ExitCode
from mocklend.local import local_platform
from mocklend.reconcilers.named import SHIPPED as RECONCILERS
from mocklend.scenarios.checks import CHECKERS
from mocklend.scenarios.telling import run
from mocklend.scenarios.text import scenarios
from mocklend.seams import SEAMS
from mocklend.seams.seam import Seam
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.described import describe
from mocklend_faults.engine.fault import VIEWS
from mocklend_faults.engine.matching import OPERATORS
from support import made_benchmarks, made_limits, paired_runs
from support.families import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {
    str(path.relative_to(ROOT)): path
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))
}
MADE = re.compile(r"(<!-- made: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def settings_of(fault: str) -> str:
    """The settings of a kind, as `GET /-/faults` has them."""
    settings = describe(installed()[fault])["settings"]
    rows = [(f"`{item['name']}`", item["doc"], f"`{json.dumps(item['default'])}`", item["type"]) for item in settings]
    heads = ("setting", "what it is", "default", "what it may be")
    return _table(heads, rows) if rows else "This fault has no settings.\n"


def symptom_of(fault: str) -> str:
    """What each view shows, and what ends it, in the words of the kind itself."""
    kind = installed()[fault]
    symptoms = [(f"{view}: {VIEWS[view]}", says) for view, says in sorted(kind.symptom.items(), key=_by_view)]
    return _table(("where", "what it says"), symptoms or [("anywhere", "nothing: the platform withstands it")])


def lessons() -> str:
    """Each kind's story, told honestly and with the fault: the views that differed, and what the repair left."""
    rows = []
    with local_platform() as url:
        for name, kind in installed().items():
            lesson = paired_runs.run_lesson(name, url)
            status = ", ".join(sorted({entry["status"] for entry in lesson.key}))
            after = ", ".join(sorted({entry["status_reason"] or entry["status"] for entry in lesson.repaired_key}))
            views = ", ".join(sorted(lesson.differ, key=list(VIEWS).index)) or "none"
            page = f"[`{name}`](faults/{name}.md)"
            rows.append((page, views, f"`{kind.finding}`", status, re.sub(r": \S+$", "", after)))
    return _table(("fault", "views that differ from the honest telling", "found as", "at first", "in the end"), rows)


def reconciler_scores() -> str:
    """Each kind's story, and how well each reference reconciler did when it looked once at the end."""
    rows = []
    totals = {name: [0, 0, 0] for name in RECONCILERS}
    with local_platform() as url:
        for fault in installed():
            by_reconciler = paired_runs.scored(fault, url)
            for name, total in totals.items():
                counts = by_reconciler[name]["counts"]
                wrong = counts["false_positives"] + counts["wrong_class"]
                for n, more in enumerate((counts["true_positives"], counts["demanded"], wrong)):
                    total[n] += more
            scores = (_score(by_reconciler[name]) for name in totals)
            rows.append((f"[`{fault}`](faults/{fault}.md)", *scores))
    rows.append(
        ("over all", *(f"{hits} of {demanded} found, {wrong} wrong" for hits, demanded, wrong in totals.values()))
    )
    return _table(("fault", *(f"`{name}`: precision, recall" for name in totals)), rows)


def _score(score: Mapping[str, Any]) -> str:
    if not score["counts"]["demanded"]:
        return f"{score['verdict']}: nothing is to be found"
    return f"{score['verdict']}: {score['precision']:.2f}, {score['recall']:.2f}"


def faults() -> str:
    """Every kind, with its page."""
    rows = []
    for name, kind in installed().items():
        first = _sentence(sys.modules[kind.__module__].__doc__)
        seams = ", ".join(f"`{seam}`" for seam in kind.seams())
        rows.append((f"[`{name}`](faults/{name}.md)", first, f"`{kind.finding}`", seams))
    return _table(("fault", "what it is", "finding class", "seam"), rows)


def families() -> str:
    """One kind of each family, and what the names of its kinds begin with."""
    rows = []
    for name, family in FAMILIES.items():
        module = sys.modules[installed()[family.shown].__module__]
        page = f"[`{family.shown}`](docs/faults/{family.shown}.md)"
        prefixes = ", ".join(f"`{prefix}.…`" for prefix in family.prefixes)
        rows.append((name, prefixes, page, _sentence(module.__doc__)))
    return _table(("family", "faults", "for example", "what it is"), rows)


def seams() -> str:
    """Every seam: what its class says of it, its fields, those that a fault may change marked, and an example."""
    return "\n".join(
        f"### {name}\n\n{_linked(inspect.getdoc(seam))}\n\n{_fields(seam)}" for name, seam in SEAMS.items()
    )


def _fields(seam: type[Seam]) -> str:
    example, meanings = seam.example(), field_meanings(seam)
    rows = []
    for field in fields(seam):
        may = "" if field.default is MISSING else "yes"
        rows.append(
            (
                f"`{field.name}`",
                f"`{field.type}`",
                f"`{json.dumps(getattr(example, field.name))}`",
                may,
                meanings.get(field.name, ""),
            )
        )
    return _table(("field", "type", "for example", "a fault may change it", "what it is"), rows)


def field_meanings(seam: type[Seam]) -> dict[str, str]:
    """What the comment beside a field says of it."""
    meanings: dict[str, str] = {}
    for base in reversed(seam.__mro__[:-1]):
        source = inspect.getsource(base)
        meanings.update(re.findall(r"^    (\w+): [^=#\n]+(?:= [^#\n]+)?  # (.*)$", source, re.MULTILINE))
    return meanings | {"entity": seam.entity_is, "occurrence": seam.occurrence_is}


def _linked(doc: str | None) -> str:
    """A docstring that names pages, as a page: the paths are links."""
    assert doc, "a seam says what happens there"
    return re.sub(r"\bdocs/((?:[\w-]+/)*)([\w-]+)\.md", r"[\2](\1\2.md)", doc)


def findings() -> str:
    """The classes of break."""
    return _table(("class", "what it means"), [(f"`{name}`", says) for name, says in CLASSES.items()])


def checks() -> str:
    """What an audit checks."""
    rows = [(f"`{check.code}`", check.states, "no" if check.always else "yes") for check in CHECKS]
    return _table(("code", "what holds", "may a fault break it"), rows)


def operators() -> str:
    """The operators of `match`."""
    return _listed(OPERATORS)


def problems() -> str:
    """Every way to say no, in order of precedence."""
    rows = [(f"`{code}`", str(problem.status), problem.title, problem.hint) for code, problem in PROBLEMS.items()]
    return _table(("code", "status", "what it means", "what to do"), rows)


def limits() -> str:
    """What there is only so much of: the number in the code, and what happens beyond it."""
    return _table(("what", "how much", "beyond that"), made_limits.rows())


def channels() -> str:
    """Every channel."""
    from mocklend.domain.channel import channels as known

    return _table(
        ("channel", "name", "settles after", "retry schedule", "attempts"),
        [
            (f"`{item.id}`", item.name, f"{item.settle_delay_s} s", f"`{item.profile}`", str(len(item.retry_schedule)))
            for item in known().values()
        ],
    )


def events() -> str:
    """The events of webhooks, and the fields of their data."""
    from mocklend.webhooks.events import EVENTS, FIELDS

    rows = [
        (f"`{name}`", event.when, ", ".join(f"`{field}`" for field in event.fields)) for name, event in EVENTS.items()
    ]
    fields = [(f"`{name}`", field["type"], field["description"]) for name, field in FIELDS.items()]
    return _table(("event", "when", "data"), rows) + "\n" + _table(("field", "type", "meaning"), fields)


def stories() -> str:
    """Every scenario that ships, with the faults that it arms and how good each reconciler was in it."""
    rows = []
    for name, scenario in scenarios().items():
        rules = [rule for chapter in scenario.chapters for rule in (chapter.get("rules") or {}).values() if rule]
        faults = ", ".join(
            f"[`{fault}`](faults/{fault}.md)" for fault in dict.fromkeys(rule["fault"] for rule in rules)
        )
        rows.append(
            (f"`{name}`", scenario.title, faults, *map(_score_of, (scenario.expected_score[it] for it in RECONCILERS)))
        )
    return _table(("scenario", "what happens", "faults", *(f"`{it}`" for it in RECONCILERS)), rows)


def scenario_scores() -> str:
    """Every scenario that ships, told, and how well each did that looked at its turning points."""
    rows = []
    totals: dict[str, Counter[str]] = {name: Counter() for name in CHECKERS}
    for name, scenario in scenarios().items():
        out = io.StringIO()
        assert run(scenario, as_json=True, out=out) == 0, name
        scores = json.loads(out.getvalue())["scores"]
        rows.append((f"`{name}`", *(_score_at_looks(scores[who]) for who in CHECKERS)))
        for who, total in totals.items():
            total.update({of: count for of, count in scores[who].items() if of.startswith("counts.")})
    rows.append(("over all", *map(_total, totals.values())))
    return _table(("scenario", *(f"`{who}`" if who in RECONCILERS else who for who in CHECKERS)), rows)


def _score_at_looks(score: Mapping[str, Any]) -> str:
    sentence = f"{score['verdict']}: "
    if score["precision"] is None and score["recall"] is None:
        return f"{sentence}nothing is to be found"
    sentence += ", ".join("-" if score[word] is None else f"{score[word]:.2f}" for word in ("precision", "recall"))
    after_s = score["time_to_detect_s.p50"]
    return sentence if after_s is None else f"{sentence}; after {timedelta(seconds=after_s)}"


def _total(counts: Mapping[str, int]) -> str:
    wrong = counts["counts.false_positives"] + counts["counts.wrong_class"]
    return f"{counts['counts.true_positives']} of {counts['counts.demanded']} found, {wrong} wrong"


def endpoints(plane: str) -> str:
    """Every endpoint of a plane, as /openapi.json has it."""
    rows = []
    for path, operations in openapi()["paths"].items():
        if not path.startswith(plane + "/") and path != plane:
            continue
        for method, operation in operations.items():
            keyed = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
            rows.append((f"`{method.upper()} {path}`", operation["summary"], "yes" if keyed else ""))
    return _table(("endpoint", "what it does", "needs an `Idempotency-Key`"), sorted(rows, key=_by_path))


def modules(folder: str) -> str:
    """The first sentence of every module under a folder, in its own words.

    Faults and seams are left out: each has its place in the docs, fault by fault and seam by seam.
    """
    rows = []
    listed = {inspect.getsourcefile(kind) for kind in (*installed().values(), *SEAMS.values())}
    for path in sorted(
        (ROOT / folder).rglob("*.py"), key=lambda entry: (entry.parent, entry.name != "__init__.py", entry)
    ):
        where = path.relative_to(ROOT / folder)
        name = f"**`{where.parent}/`**" if path.name == "__init__.py" else f"`{where}`"
        if name == "**`./`**" or str(path) in listed:
            continue
        rows.append((name, _sentence(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))))
    return _table(("module", "what it is"), rows)


def scripts() -> str:
    """What can be typed."""
    rows = []
    for path in sorted((ROOT / "scripts").iterdir()):
        if path.suffix or not path.is_file():
            continue
        source = path.read_text(encoding="utf-8")
        meanings = ast.get_docstring(ast.parse(source)) if "python" in source.splitlines()[0] else _comment(source)
        rows.append((f"`scripts/{path.name}`", _sentence(meanings)))
    return _table(("script", "what it does"), rows)


def exit_codes() -> str:
    """What a command or script leaves with."""
    return _table(
        ("exit code", "verdict", "meaning"), [(str(int(item)), f"`{item.name}`", MEANINGS[item]) for item in ExitCode]
    )


MAKERS: Mapping[str, Callable[..., str]] = {
    "benchmark": lambda part: _table(*made_benchmarks.table_of(part)),
    "settings of": settings_of,
    "symptom of": symptom_of,
    "lessons": lessons,
    "limits": limits,
    "dataset columns": columns_table,
    "reconciler scores": reconciler_scores,
    "scenario scores": scenario_scores,
    "faults": faults,
    "families": families,
    "findings": findings,
    "checks": checks,
    "operators": operators,
    "problems": problems,
    "channels": channels,
    "events": events,
    "endpoints of": endpoints,
    "exit codes": exit_codes,
    "modules of": modules,
    "scripts": scripts,
    "seams": seams,
    "stories": stories,
}
"""What can be made: by its name, or by its name and one word more."""


def make(key: str) -> str:
    """The text of a block."""
    if key in MAKERS:
        return MAKERS[key]()
    name, _, argument = key.rpartition(" ")
    assert name in MAKERS, f"nothing is called {key!r}; known: {', '.join(MAKERS)}"
    return MAKERS[name](argument)


@cache
def openapi() -> Doc:
    """The document that a server with all faults serves."""
    from mocklend.app import create_app
    from mocklend.config import Settings
    from mocklend.runtime import Platform
    from mocklend_faults.engine import FaultLayer

    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(str(Path(folder, "docs.db")), FaultLayer(installed().values()), fast=True)
        try:
            app = create_app(Settings(database="unused"), platform)
            document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
        finally:
            platform.close()
    return document


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _listed(names: Iterable[str]) -> str:
    return textwrap.fill(", ".join(f"`{name}`" for name in names), 120, break_on_hyphens=False) + "\n"


def _score_of(score: Mapping[str, float | str | None]) -> str:
    return ", ".join(f"{word} {'-' if score[word] is None else score[word]}" for word in ("precision", "recall"))


def _sentence(doc: str | None) -> str:
    """The first sentence of a docstring. None is an error: a file says what it is."""
    assert doc, "a file without a docstring cannot be described"
    return re.split(r"(?<=[.!?])\s", " ".join(doc.split("\n\n")[0].split()), maxsplit=1)[0]


def _comment(source: str) -> str:
    return " ".join(line.lstrip("# ") for line in source.splitlines()[1:] if line.startswith("#"))


def _by_view(symptom: tuple[str, str]) -> int:
    return list(VIEWS).index(symptom[0])


def _by_path(row: tuple[str, ...]) -> tuple[str, int]:
    method, path = row[0].strip("`").split(" ", 1)
    return path, ("GET", "POST", "PUT", "PATCH", "DELETE").index(method)


TOLD_ANEW = frozenset({"lessons", "reconciler scores", "scenario scores"})
"""What is made of stories that have to be told for it."""


def outdated(text: str, *, told_anew: bool) -> Iterator[tuple[str, str, str]]:
    """Each block that is not what the code says: what it is, what stands there, what should.

    Either those that are made of the code alone, or those whose stories are run again for it.
    """
    for block in MADE.finditer(text):
        if (block[2] in TOLD_ANEW) is not told_anew:
            continue
        generated = make(block[2])
        if block[3] != generated:
            yield block[2], block[3], generated


def write() -> None:
    """Write every block of every page again."""
    for name, path in PAGES.items():
        old = path.read_text(encoding="utf-8")
        new = MADE.sub(lambda match: match[1] + make(match[2]) + match[4], old)
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"wrote {name}")
