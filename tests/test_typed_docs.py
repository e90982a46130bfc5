"""The shell blocks of README and docs, typed in their order by a shell, and what is printed held against what stands there.

        page ─▶ its `sh` blocks, in order ─▶ bash, in an empty folder ─▶ what each printed ─▶ the `text` block after it

A page is typed from top to bottom as a stranger would: in an empty folder that has only `.venv` and `scripts` of this
checkout, by one shell, so that what a block exports is there in the next. `scripts/serve` starts a server of its own;
a page without it is typed at a server that all pages share, in a sandbox that is as `default` is: on real time.
What the harness changes is in three tables: `SHORTENED` (commands that would take too long), `FILES` (what a page tells
the reader to write into a file) and `EXITS` (commands that are meant to end with another code than 0). In a text block
`…` stands for whatever varies, alone in a line for any number of lines; ids are compared by their kind alone.

`scripts/typed` types the pages with the commands of `SHORTENED` in their long form, and prints what it sees.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from itertools import zip_longest
from pathlib import Path

import pytest

from mocklend.client import Client
from mocklend.exit_codes import ExitCode

ROOT = Path(__file__).resolve().parent.parent
LESSONS = "docs/faults/"
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}
SHOWN_URL = "http://127.0.0.1:8300"
TIMEOUT_S = 540
"""So long may a page take before it hangs: on a busy machine that is still far away."""


@dataclass(frozen=True)
class Short:
    """What is typed instead: in the suite, and by `scripts/typed`, which has more time; and why."""

    in_suite: str
    in_script: str
    why: str


SERVE_WITH_REDIS = (
    ".venv/bin/mocklend serve --database postgresql+psycopg://localhost/mocklend --workers 4 "
    "--redis redis://localhost:6379/0"
)
SHORTENED: Mapping[str, Short] = {
    "scripts/bench --peers --postgresql --out report": Short(
        "scripts/bench --peers --postgresql --out report --help",
        "scripts/bench --only start --rounds 1 --out report",
        "a quarter of an hour, and packages of other projects",
    ),
    SERVE_WITH_REDIS: Short(
        f"{SERVE_WITH_REDIS} --help", f"{SERVE_WITH_REDIS} --help", "it needs two servers, and does not end"
    ),
    "scripts/test": Short("scripts/test --version", "scripts/test --version", "the tests run it already: it is this"),
    "scripts/load --users 50 --time 60s": Short(
        "scripts/load --users 50 --time 60s --help", "scripts/load --users 5 --time 5s", "a minute, and both cores"
    ),
    "scripts/load --users 50 --time 60s --console": Short(
        "scripts/load --users 50 --time 60s --console --help",
        "scripts/load --users 5 --time 5s --console",
        "a minute, and both cores",
    ),
    "scripts/load --users 50 --time 60s --report load.html": Short(
        "scripts/load --users 50 --time 60s --report load.html --help",
        "scripts/load --users 5 --time 5s --report load.html",
        "a minute, and both cores",
    ),
    "scripts/crash --kills 20": Short(
        "scripts/crash --kills 20 --help", "scripts/crash --kills 1", "twenty starts of a server under load"
    ),
    "scripts/crash --engine postgresql --kills 30 --server-kills 10": Short(
        "scripts/crash --engine postgresql --kills 30 --server-kills 10 --help",
        "scripts/crash --engine postgresql --kills 3 --server-kills 1",
        "four minutes: forty kills under load",
    ),
    "scripts/identity --steps 20000": Short(
        "scripts/identity --steps 20000 --help", "scripts/identity --steps 200", "a quarter of an hour"
    ),
    "scripts/determinism --seeds 6": Short(
        "scripts/determinism --seeds 6 --help", "scripts/determinism --seeds 1", "minutes a seed"
    ),
    "scripts/determinism --seeds 6 --processes 4": Short(
        "scripts/determinism --seeds 6 --processes 4 --help",
        "scripts/determinism --seeds 1 --processes 4 --borrowers 8",
        "minutes a seed",
    ),
    "scripts/ground": Short("scripts/ground --help", "scripts/ground readonly", "three minutes, and a server killed"),
    "scripts/neighbours": Short(
        "scripts/neighbours --help", "scripts/neighbours latency --seconds 4", "three minutes, and both cores"
    ),
    "scripts/latency --percent 1 --delay-ms 5000": Short(
        "scripts/latency --percent 1 --delay-ms 5000 --help",
        "scripts/latency --percent 1 --delay-ms 500 --seconds 3 --turns 1",
        "it measures, so it wants the machine to itself",
    ),
    "scripts/idle --starts 20 --blocks 12": Short(
        "scripts/idle --starts 20 --blocks 12 --help",
        "scripts/idle --starts 1 --blocks 2 --requests 50",
        "it measures, so it wants the machine to itself",
    ),
    "scripts/year --loans 1000 10000": Short(
        "scripts/year --loans 1000 10000 --help", "scripts/year --loans 20", "minutes, and gigabytes"
    ),
    ".venv/bin/mocklend dataset season --loans 1000 --days 90 --profile realistic --seed 7": Short(
        ".venv/bin/mocklend dataset season --loans 10 --days 10 --profile realistic --seed 7",
        ".venv/bin/mocklend dataset season --loans 100 --days 90 --profile realistic --seed 7",
        "half a minute",
    ),
}
"""What would take too long. With `--help` after them the flags are still read, and a flag that is not there is refused."""

FILES: Mapping[str, Mapping[str, str]] = {
    "docs/reconcilers.md": {"mine.py": "def reconcile(client)"},
    "docs/rules.md": {"weather.yaml": "stages:"},
    "README.md": {"test_settled.py": "def test_a_settled_loan"},
}
"""Files that a page tells the reader to write: each has the block with this in it."""

EXITS: Mapping[tuple[str, str], int] = {}
"""Commands that end with another code than 0, as their page says."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ID = re.compile(r"\b(?:[a-z]{2,4}_[a-z2-7]{20}(?:_\d+)?|ML[A-Z2-7]{20}|PY[A-Z2-7]{20}|sbx_[0-9a-f]{20})\b")

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


@dataclass(frozen=True)
class Block:
    """A shell block, and what should be printed, where the page says that."""

    page: str
    n: int
    text: str
    printed: str | None

    @property
    def commands(self) -> list[str]:
        """Its commands as they stand there, without remarks."""
        joined = self.text.replace("\\\n", " ")
        lines = (re.sub(r"\s+#\s.*$", "", line).strip() for line in joined.splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    @property
    def serves(self) -> bool:
        """Whether it starts the server, and stays."""
        return self.commands == ["scripts/serve"]


def blocks_of(page: str) -> list[Block]:
    """The shell blocks of a page. What is printed stands in the next block, if that is text and under the same heading."""
    text, matches = PAGES[page], list(_BLOCK.finditer(PAGES[page]))
    blocks: list[Block] = []
    for here, following in zip_longest(matches, matches[1:]):
        if here[1] != "sh":
            continue
        printed_block = following if following is not None and following[1] == "text" else None
        if printed_block is not None and re.search(r"^#", text[here.end() : printed_block.start()], re.MULTILINE):
            printed_block = None
        blocks.append(Block(page, len(blocks) + 1, here[2], None if printed_block is None else printed_block[2]))
    return blocks


# --- typing ---


def _typed(block: Block, *, long: bool, url: str) -> str:
    """What is typed: the block with short commands for long ones, and with the server's address."""
    text = block.text
    for command in block.commands:
        if command in SHORTENED:
            short = SHORTENED[command]
            text = text.replace(command, short.in_script if long else short.in_suite)
    return text.replace(SHOWN_URL, url)


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[str, str]]:
    """The server that `scripts/serve` is, on a port of its own: its address, and what it printed."""
    environment = _environment()
    line = ["scripts/serve", "--port", "0"]
    process = subprocess.Popen(
        line, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        failures = []
        for line_said in process.stdout:
            failures.append(line_said)
            if line_said.rstrip().endswith("mocklend audit"):
                break
        printed = "".join(failures)
        address = re.search(r"http://127\.0\.0\.1:\d+", printed)
        assert address is not None, f"scripts/serve did not come up:\n{printed}"
        yield address[0], printed
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT_S)


def _environment(**more: str) -> dict[str, str]:
    """A shell's environment in which nothing of ours is set and no `mocklend` is on the path."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MOCKLEND_", "PYTEST_", "COV_"))
    }
    path = [
        part for part in environment.get("PATH", os.defpath).split(os.pathsep) if not Path(part, "mocklend").exists()
    ]
    environment.pop("VIRTUAL_ENV", None)
    return environment | {"PATH": os.pathsep.join(path), "COLUMNS": "200", "NO_COLOR": "1", **more}


def fresh_folder(folder: Path, page: str) -> Path:
    """A folder with nothing in it but the environment, the scripts, and the files that the page tells one to write."""
    for name in (".venv", "scripts"):
        folder.joinpath(name).symlink_to(ROOT / name)
    for name, marker in FILES.get(page, {}).items():
        [content] = [block[2] for block in _BLOCK.finditer(PAGES[page]) if block[1] != "sh" and marker in block[2]]
        folder.joinpath(name).write_text(content, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class BlockRun:
    """What a block printed, and which of its commands ended with another code than 0."""

    block: Block
    printed: str
    failed: Mapping[str, int]


def type_page(
    page: str, folder: Path, *, url: str | None = None, api_key: str | None = None, long: bool = False
) -> list[BlockRun]:
    """Type a page from top to bottom, at this server, or at the one that the page itself starts."""
    blocks = blocks_of(page)
    if any(block.serves for block in blocks):
        with _serving(folder) as (address, announced):
            block_runs = _type([block for block in blocks if not block.serves], folder, address, None, long)
        served = [BlockRun(block, _as_shown(announced, address, folder), {}) for block in blocks if block.serves]
        return sorted([*block_runs, *served], key=lambda block: block.block.n)
    assert url is not None
    return _type(blocks, folder, url, api_key, long)


def _type(blocks: list[Block], folder: Path, url: str, api_key: str | None, long: bool) -> list[BlockRun]:
    lines = ['trap \'printf "\\n@failed %s %s\\n" "$?" "$BASH_COMMAND"\' ERR']
    for block in blocks:
        lines += [f"printf '\\n@block {block.n}\\n'", _typed(block, long=long, url=url).rstrip()]
    keys = {} if api_key is None else {"MOCKLEND_API_KEY": api_key}
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", "\n".join(lines)],
        cwd=folder,
        env=_environment(MOCKLEND_URL=url, **keys),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=None if long else TIMEOUT_S,
    )
    parts = re.split(r"^@block (\d+)\n", ran.stdout, flags=re.MULTILINE)[1:]
    printed = {int(n): text for n, text in zip(parts[::2], parts[1::2], strict=True)}
    return [_block_run(block, printed.get(block.n, ""), url, folder) for block in blocks]


def _block_run(block: Block, printed: str, url: str, folder: Path) -> BlockRun:
    failed = {}
    for code, command in re.findall(r"^@failed (\d+) (.*)$", printed, re.MULTILINE):
        failed[command.replace(url, SHOWN_URL)] = int(code)
    output = re.sub(r"\n?^@failed .*\n", "", printed, flags=re.MULTILINE)
    return BlockRun(block, _as_shown(output.removesuffix("\n"), url, folder), failed)


def _as_shown(printed: str, url: str, folder: Path) -> str:
    """What was printed, with the address, the folder and the command as a reader has them."""
    text = printed.replace(url, SHOWN_URL).replace(str(folder), "…").replace(str(ROOT / ".venv"), ".venv")
    return text.replace(f"  export MOCKLEND_URL={SHOWN_URL}\n", "")


# --- comparing ---


def differs(printed: str, expected_text: str) -> str | None:
    """Where what is printed leaves what the page tells; None where it does not."""
    lines = [_without_ids(line) for line in printed.strip("\n").splitlines()]
    patterns = [_without_ids(line) for line in expected_text.strip("\n").splitlines()]
    at, gap = 0, False
    for line in patterns:
        if line.strip() == "…":
            gap = True
            continue
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        line_no = next((n for n in range(at, len(lines)) if pattern.fullmatch(lines[n])), None)
        if line_no is None or (line_no != at and not gap):
            came_line = lines[at] if at < len(lines) else "the end"
            return f"the page has  {line}\nprinted was   {came_line}"
        at, gap = line_no + 1, False
    return None if gap or at == len(lines) else f"the page ends\nprinted was   {lines[at]}"


def _without_ids(line: str) -> str:
    return _ID.sub(lambda block: block[0].partition("_")[0][:4] if "_" in block[0] else block[0][:2], line).rstrip()


def complaints(block_run: BlockRun) -> Iterator[str]:
    """What is not as the page says."""
    where = f"{block_run.block.page}, shell block {block_run.block.n}"
    exits = {command: code for (page, command), code in EXITS.items() if page == block_run.block.page}
    unmeant = {item: code for item, code in block_run.failed.items() if code != exits.get(item)}
    if unmeant:
        yield f"{where}: ended with another code than 0: {unmeant}\n{block_run.printed}"
    for command in block_run.block.commands:
        if command in exits and command not in block_run.failed:
            yield f"{where}: {command} ended with 0, and EXITS says {exits[command]}"
    if block_run.block.printed is not None and (how := differs(block_run.printed, block_run.block.printed)):
        yield f"{where}:\n{how}\nall of it:\n{block_run.printed}"


# --- the tests ---


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server for the pages that start none."""
    folder = tmp_path_factory.mktemp("shared")
    fresh_folder(folder, "")
    with _serving(folder) as (address, _):
        yield address


TYPED = [page for page in PAGES if blocks_of(page) and not page.startswith(LESSONS)]


@pytest.mark.long
@needs_faults
@pytest.mark.timeout(600)  # A page is dozens of commands; beside other work on the machine that takes its time.
@pytest.mark.parametrize("page", TYPED)
def test_the_commands_of_a_page_print_what_the_page_shows(
    page: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fresh_folder(tmp_path, page)
    if any(block.serves for block in blocks_of(page)):
        blocks_seen = type_page(page, tmp_path)
    else:
        url = request.getfixturevalue("shared")
        with Client(url) as anyone, anyone.sandbox(seed=7, clock="wall") as like_default:
            blocks_seen = type_page(page, tmp_path, url=url, api_key=like_default.api_key)
            like_default.delete_sandbox()

    wrong = [complaint for block in blocks_seen for complaint in complaints(block)]

    assert not wrong, "\n\n".join(wrong)


@needs_faults
@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith(LESSONS)])
def test_the_commands_of_a_lesson_page_work_unchanged(page: str, mocklend: Client) -> None:
    """In this process, since there are many: each line is a command of ours that arms the lesson's fault."""
    from typer.testing import CliRunner

    from mocklend.cli import app

    for block in blocks_of(page):
        assert block.printed is None, "what a lesson prints is not compared: type it as the other pages are"
        for command in block.commands:
            program, *arguments = shlex.split(command)
            assert program == ".venv/bin/mocklend", f"{command}: type this page as the other pages are"
            result = CliRunner().invoke(
                app, ["--url", mocklend.base_url, "--api-key", mocklend.api_key or "", *arguments]
            )
            assert result.exit_code == 0, f"{command}: {result.output}"


def test_shell_blocks_are_marked_as_sh() -> None:
    languages = {"sh", "text", "python", "json", "yaml", "toml", "http", "mermaid"}

    others = {
        (page, language) for page, text in PAGES.items() for language in re.findall(r"^```(\w*)$", text, re.MULTILINE)
    }

    assert {other for other in others if other[1] and other[1] not in languages} == set()
    assert not any(re.search(r"^    (\$ |\.venv/bin/|scripts/)", text, re.MULTILINE) for text in PAGES.values())


def test_the_tables_have_no_unused_entry() -> None:
    commands = {(page, command) for page in PAGES for block in blocks_of(page) for command in block.commands}

    assert set(SHORTENED) <= {command for _, command in commands}
    assert set(EXITS) <= commands
    assert set(FILES) <= set(TYPED)
    assert all(short.why for short in SHORTENED.values())


@pytest.mark.parametrize(
    ("printed", "expected_text", "same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\nb\n", "a\n", False),
        ("a\n", "a\nb\n", False),
        ("a\nb\nc\n", "a\n…\nc\n", True),
        ("a\nb\nc\n", "a\nc\n", False),
        ("a\nb\nc\n", "…\nb\n…\n", True),
        ("a\nb\nc\n", "…\nb\n", False),
        ("now 12:30 here\n", "now … here\n", True),
        ("now 12:30 there\n", "now … here\n", False),
        ("on loan_bun7pcs5esuti6uacdwj\n", "on loan_e7l7qiyzddlgv5ktitzl\n", True),
        ("on loan_bun7pcs5esuti6uacdwj\n", "on edit_e7l7qiyzddlgv5ktitzl\n", False),
    ],
)
def test_what_is_printed_is_compared_line_by_line(printed: str, expected_text: str, same: bool) -> None:
    assert (differs(printed, expected_text) is None) == same


def test_unexpected_exit_codes_are_reported(tmp_path: Path) -> None:
    block = Block("docs/x.md", 1, "false\nprintf 'a\\n'\nbash -c 'exit 3'\n", "a\n")

    [block_run] = _type([block], tmp_path, "http://127.0.0.1:9", None, long=False)

    assert block_run.failed == {"false": 1, "bash -c 'exit 3'": 3}
    assert block_run.printed.strip() == "a"
    assert "ended with another code than 0" in next(complaints(block_run))


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Type every page with the long commands, and print what was seen; FAIL where something is not as they say."""
    import argparse
    import tempfile

    parser = argparse.ArgumentParser(prog="scripts/typed", description="Type the shell blocks of README and docs.")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"of {', '.join(TYPED)} (default: all of them)")
    pages = parser.parse_args(arguments).pages
    if unknown := sorted(set(pages) - set(TYPED)):
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(TYPED)}")

    wrong = 0
    for page in pages or TYPED:
        with tempfile.TemporaryDirectory(prefix="mocklend-typed-") as name:
            folder = fresh_folder(Path(name), page)
            if any(block.serves for block in blocks_of(page)):
                blocks_seen = type_page(page, folder, long=True)
            else:
                with _serving(folder) as (url, _):
                    blocks_seen = type_page(page, folder, url=url, long=True)
        for item in blocks_seen:
            failures = list(complaints(item))
            wrong += len(failures)
            print(f"== {page}, shell block {item.block.n}: {'as it stands' if not failures else 'NOT AS IT STANDS'}")
            print("\n".join(failures) if failures else item.printed, flush=True)
    print(f"== {'all is as it stands' if not wrong else f'not as it stands: {wrong}'}")
    return ExitCode.FAIL if wrong else ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())
