"""The documentation is right: its tables are those of the code, its examples run, its commands and links exist.

What a page takes from the code stands between `<!-- made: what -->` and `<!-- end -->`. These tests compare it with the
code and say what is missing; `.venv/bin/python tests/test_docs.py` writes it again. Everything else is written by hand.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

import pytest

from mocklend.client import Client
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.catalogue import installed
from support.families import FAMILIES, family_of
from support.made_docs import DOCS, PAGES, ROOT, field_meanings, openapi, outdated, write

LESSON = ("What you see", "What a good client does", "Settings", "Arm it", "Repair")
"""The headings of a page about a fault, in this order."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
WRITE = "`.venv/bin/python tests/test_docs.py` writes it"

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


# --- the pages and the code ---


@pytest.mark.without_redis("which waits longer for Redis than a page says")
@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_takes_from_the_code_is_what_the_code_says(page: str) -> None:
    assert_as_made(page, told_anew=False)


@pytest.mark.long
@pytest.mark.parametrize("page", ["docs/catalogue.md", "docs/scoring.md"])
def test_what_a_page_takes_from_stories_is_what_comes_of_them(page: str) -> None:
    assert_as_made(page, told_anew=True)


def assert_as_made(page: str, *, told_anew: bool) -> None:
    wrong = []
    for name, stands, generated in outdated(PAGES[page].read_text(encoding="utf-8"), told_anew=told_anew):
        there, lines = set(stands.splitlines()), set(generated.splitlines())
        wrong.append(f"{page}, {name}:")
        wrong += [f"  missing  {line}" for line in generated.splitlines() if line not in there]
        wrong += [f"  too much {line}" for line in stands.splitlines() if line not in lines]

    assert not wrong, "\n".join([*wrong, WRITE])


def test_every_fault_has_its_lesson() -> None:
    contents = {f"docs/faults/{name}.md" for name in installed()}

    pages = {name for name in PAGES if name.startswith("docs/faults/")}

    assert pages == contents, f"without a page: {sorted(contents - pages)}; without a fault: {sorted(pages - contents)}"


@pytest.mark.parametrize("fault", sorted(installed()))
def test_every_fault_belongs_to_one_family(fault: str) -> None:
    assert family_of(fault) in FAMILIES


@pytest.mark.parametrize("fault", sorted(installed()))
def test_a_lesson_page_has_the_symptoms_and_the_repair(fault: str) -> None:
    page = (DOCS / "faults" / f"{fault}.md").read_text(encoding="utf-8")

    assert page.startswith(f"# {fault}: ")
    assert tuple(re.findall(r"^## (.+)$", page, re.MULTILINE)) == LESSON
    assert f"<!-- made: settings of {fault} -->" in page
    assert f"<!-- made: symptom of {fault} -->" in page
    assert all(f"](../catalogue.md#{_anchor(seam)})" in page for seam in installed()[fault].seams())
    assert f"`{installed()[fault].finding}`" in page
    assert f".venv/bin/mocklend faults on {fault}" in page


def test_a_fields_meaning_is_that_of_the_comment_beside_it() -> None:
    meanings = field_meanings(ViewRefresh)

    assert meanings["entity"] == "the loan"
    assert meanings["cause"] == "receipt, edit, reversal, due_date"
    assert "lag_s" not in meanings


def test_every_endpoint_stands_in_one_table() -> None:
    page = (DOCS / "http.md").read_text(encoding="utf-8")
    planes = re.findall(r"<!-- made: endpoints of (\S+) -->", page)

    tables = {
        path: [plane for plane in planes if path == plane or path.startswith(plane + "/")]
        for path in openapi()["paths"]
    }

    lost = [path for path, table in tables.items() if len(table) != 1]
    assert lost == [], "docs/http.md needs a section with `<!-- made: endpoints of /plane -->` and `<!-- end -->`"


def test_the_readme_is_short_and_shows_one_fault_of_each_family() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    names = re.findall(r"^\| .* \[`(.+?)`\]\(docs/faults/", readme, re.MULTILINE)

    assert [family_of(fault) for fault in names] == list(FAMILIES)
    assert len(readme.splitlines()) <= 160


def test_every_decision_is_in_the_list_of_decisions() -> None:
    folder = DOCS / "decisions"
    pages = {path.name for path in folder.glob("*.md")} - {"index.md"}

    listed = set(re.findall(r"\]\(([^)/]+\.md)\)", (folder / "index.md").read_text(encoding="utf-8")))

    assert listed == pages


# --- the examples ---


def _blocks(language: str) -> Iterator[tuple[str, str]]:
    for page, path in PAGES.items():
        for n, block in enumerate(BLOCK.finditer(path.read_text(encoding="utf-8"))):
            if block[1] == language:
                yield f"{page}#{n}", block[2]


PYTHON = {name: block for name, block in _blocks("python") if "write-your-own-fault" not in name}


@needs_faults
@pytest.mark.parametrize("example", [name for name, block in PYTHON.items() if "def test_" in block])
def test_an_example_of_the_docs_passes_unchanged(example: str, mocklend: Client) -> None:
    names: dict[str, Any] = {}
    exec(compile(PYTHON[example], example, "exec"), names)

    tests = [item for name, item in names.items() if name.startswith("test_")]

    assert tests
    for test in tests:
        test(mocklend)


def test_the_test_in_the_readme_is_short() -> None:
    [first, *_] = [block for name, block in PYTHON.items() if name.startswith("README.md")]

    assert len([line for line in first.splitlines() if line.strip()]) <= 12


@needs_faults
def test_the_excerpt_in_the_readme_is_what_the_demo_prints() -> None:
    from mocklend import demo

    out = io.StringIO()
    assert demo.run(seed=7, out=out) == 0
    printed = [_without_ids(line) for line in out.getvalue().splitlines()]
    [excerpt] = [block for name, block in _blocks("text") if name.startswith("README.md") and "→ GET" in block]

    for line in excerpt.splitlines():
        if line.strip() in ("", "…"):
            continue
        assert _without_ids(line) in printed, f"the demo does not print: {line}"
        printed = printed[printed.index(_without_ids(line)) + 1 :]


def _without_ids(line: str) -> str:
    """Ids follow from the seed and all calls before them; a new scene changes them, and no reader minds."""
    return re.sub(r"\b([a-z]{2,4})_[a-z2-7]{20}\b", r"\1_…", re.sub(r"\bML[A-Z2-7]{20}\b", "ML…", line)).rstrip()


@needs_faults
@pytest.mark.parametrize(("page", "block"), [(name, block) for name, block in _blocks("json") if '"fault"' in block])
def test_a_rule_in_the_docs_is_taken(page: str, block: str, mocklend: Client) -> None:
    rule = json.loads(block)

    armed = mocklend.put_rule("from-the-docs", rule)

    assert armed["fault"] == rule["fault"]
    assert armed["state"] in ("armed", "waiting")


def _commands() -> Iterator[str]:
    """Every command line in a `sh` block, without its remark."""
    for _, block in _blocks("sh"):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.sub(r"\s+#\s.*$", "", line).strip()
            if command and not command.startswith("#"):
                yield command


@needs_faults
@pytest.mark.parametrize("command", sorted({command for command in _commands() if " faults on " in command}))
def test_a_command_that_arms_a_fault_does(command: str, mocklend: Client, mocklend_server: str) -> None:
    from typer.testing import CliRunner

    from mocklend.cli import app

    arguments = command.split(" ")[1:]
    result = CliRunner().invoke(app, ["--url", mocklend_server, "--api-key", mocklend.api_key or "", *arguments])

    assert result.exit_code == 0, result.output
    assert len(mocklend.rules()["rules"]) == 1


def test_every_script_and_command_in_the_docs_exists() -> None:
    from typer.main import get_command

    from mocklend.cli import app

    commands = set(getattr(get_command(app), "commands", ()))
    prose = "\n".join(path.read_text(encoding="utf-8") for path in PAGES.values())

    named = set(re.findall(r"\bscripts/(\w+)\b(?!\.)", prose))
    subcommands = set(re.findall(r"(?:\.venv/bin/|`)mocklend (\w[\w-]*)", prose))

    assert {name for name in named if not (ROOT / "scripts" / name).exists() and name != "_boot"} == set()
    assert subcommands <= commands, f"not a command: {sorted(subcommands - commands)}"


def test_write_your_own_fault_quotes_the_example_word_for_word() -> None:
    example = ROOT / "examples" / "bad-news-first"
    contents = {path.name: path.read_text(encoding="utf-8") for path in example.iterdir() if path.is_file()}

    quoted = [block for kind in ("python", "toml") for name, block in _blocks(kind) if "write-your-own-fault" in name]

    assert sorted(quoted) == sorted(contents.values()), f"the page and {example} differ"


def test_the_fault_of_write_your_own_fault_sees_seams_and_domain_alone() -> None:
    [fault, _] = [block for name, block in _blocks("python") if "write-your-own-fault" in name]

    imported = set(re.findall(r"^from (mocklend\S*) import", fault, re.MULTILINE))

    assert all(name.startswith(("mocklend.seams.", "mocklend_faults.engine.fault")) for name in imported)


# --- the links ---


def _anchor(heading: str) -> str:
    """A heading's anchor, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    text = BLOCK.sub("", PAGES[page].read_text(encoding="utf-8"))
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        where, _, anchor = target.partition("#")
        path = (PAGES[page].parent / where).resolve() if where else PAGES[page]
        if not path.exists():
            lost.append(target)
        elif anchor and path.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            if anchor not in map(_anchor, headings):
                lost.append(target)

    assert lost == []


def test_every_page_is_reached_from_the_first_one() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in re.findall(r"\]\(([^)\s#]+\.md)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target and (page.parent / target).exists():
                waiting.append((page.parent / target).resolve())

    assert {str(path.relative_to(ROOT)) for path in PAGES.values() if path not in reached} == set()


if __name__ == "__main__":
    write()
