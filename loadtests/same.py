"""Whether another commit behaves as this checkout does: its answers, answer keys, journals, audits and statements.

    scripts/same fc4cbf0 --seeds 10

Both tell the story of 32 neighbours with the same seeds (see `recording.py`), each with its own code in a process
of its own and the libraries of this environment. What they leave behind is compared byte for byte, but for two things:
`renamed.toml` says which words have another name by now, and the fields of a JSON object may stand in any order.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tool
from other_commit import ROOT, checked_out, commit_of, git, last_words, running

from mocklend.exit_codes import ExitCode

RECORDING = "loadtests/recording.py"
SHOWN_MAX = 20
SEEDS_MAX = 1_000
JSON_ENDINGS = frozenset({".json", ".jsonl"})


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """PASS where nothing differs but the names in `renamed.toml`; FAIL with the first differences otherwise."""
    parser = argparse.ArgumentParser(
        prog="scripts/same", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", metavar="BASE", help="the commit to compare with")
    parser.add_argument("--seeds", type=tool.whole(1, SEEDS_MAX), default=10, help="how many seeds (%(default)s)")
    parser.add_argument(
        "--without",
        metavar="KIND",
        action="append",
        default=[],
        help="a kind of fault to leave out on both sides: one whose seam has another name, which chance is drawn from",
    )
    options = parser.parse_args(arguments)
    return tool.concluded(
        lambda: _compare_with(options.base, range(1, options.seeds + 1), options.without), as_json=False
    )


@dataclass(frozen=True)
class Renamed:
    """The names of an earlier commit, and what they are called now."""

    keys: Mapping[str, str]
    words: Mapping[str, str]
    left_out: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Renamed:
        """From a file such as `renamed.toml`. NotRun where it has another table than those three."""
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        try:
            return cls(**tables)
        except TypeError as wrong:
            raise tool.NotRun(f"{path}: {wrong}") from None

    def text(self, text: str) -> str:
        """A text with today's words in it; of two that begin at the same place the longer one is taken."""
        if not self.words:
            return text
        longest_first = sorted(self.words, key=len, reverse=True)
        pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"
        return re.sub(pattern, lambda found: self.words[found[0]], text)

    def document(self, value: Any) -> Any:
        """A document of JSON with today's names, without what is left out."""
        if isinstance(value, dict):
            kept = {key: inner for key, inner in value.items() if key not in self.left_out}
            return {self.keys.get(key, self.text(key)): self.document(inner) for key, inner in kept.items()}
        if isinstance(value, list):
            return [self.document(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value


def differences(before: Path, now: Path, renamed: Renamed) -> Iterator[str]:
    """What is not the same in two folders of recordings: the file, the place in it, both values."""
    then = {renamed.text(str(path.relative_to(before))): path for path in _files(before)}
    today = {str(path.relative_to(now)): path for path in _files(now)}
    for name in sorted(then.keys() | today.keys()):
        if name not in today or name not in then:
            yield f"{name}: only {'before' if name in then else 'now'}"
            continue
        old, new = then[name].read_bytes(), today[name].read_bytes()
        if Path(name).suffix in JSON_ENDINGS:
            yield from _in_documents(name, old, new, renamed)
        elif _words_in(old, renamed) != new:
            yield from _in_lines(name, _words_in(old, renamed), new)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _words_in(file: bytes, renamed: Renamed) -> bytes:
    """Statements come in more than one encoding, and some are spoiled: Latin-1 reads and writes any byte."""
    return renamed.text(file.decode("latin-1")).encode("latin-1") if renamed.words else file


def _in_documents(name: str, old: bytes, new: bytes, renamed: Renamed) -> Iterator[str]:
    left_out = Renamed(keys={}, words={}, left_out=renamed.left_out)
    before = [renamed.document(json.loads(line)) for line in old.splitlines()]
    now = [left_out.document(json.loads(line)) for line in new.splitlines()]
    for n, (one, other) in enumerate(zip(before, now, strict=False), start=1):
        yield from _in_values(f"{name}:{n}", one, other)
    if len(before) != len(now):
        yield f"{name}: {len(before)} lines before, {len(now)} now"


def _in_values(place: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key in old and key in new:
                yield from _in_values(f"{place} {key}", old[key], new[key])
            else:
                yield f"{place} {key}: only {'before' if key in old else 'now'}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for n, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _in_values(f"{place} {n}", one, other)
    elif type(old) is not type(new) or old != new:
        yield f"{place}: {_shown(old)} before, {_shown(new)} now"


def _in_lines(name: str, old: bytes, new: bytes) -> Iterator[str]:
    before, now = old.split(b"\n"), new.split(b"\n")
    for n, (one, other) in enumerate(zip(before, now, strict=False), start=1):
        if one != other:
            yield f"{name}:{n}: {one[:100]!r} before, {other[:100]!r} now"
    if len(before) != len(now):
        yield f"{name}: {len(before)} lines before, {len(now)} now"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:200]


# --- the two recordings ---


def _compare_with(base: str, seeds: range, without: Sequence[str]) -> ExitCode:
    renamed = Renamed.read(ROOT / "loadtests" / "renamed.toml")
    commit = commit_of(base)
    with tempfile.TemporaryDirectory(prefix="mocklend-same-") as name, checked_out(commit, Path(name, "tree")) as tree:
        folder = Path(name)
        of_base = _recording_of(commit, folder / "recording.py")
        tool.say(f"telling the story with {len(seeds)} seeds, at {commit[:10]} and in this checkout")
        left_out = [f"--without={kind}" for kind in without]
        with ExitStack() as both:
            begun = {
                side: both.enter_context(
                    running(
                        where, recording, [str(where), str(folder / side), *map(str, seeds), *left_out], folder / side
                    )
                )
                for side, where, recording in (("before", tree, of_base), ("now", ROOT, ROOT / RECORDING))
            }
            for side, process in begun.items():
                if process.wait():
                    raise tool.CutShort(f"the story broke off {side}: {last_words(folder / side)}")
        sizes = [path.stat().st_size for path in _files(folder / "now")]
        found = list(differences(folder / "before", folder / "now", renamed))
    for difference in found[:SHOWN_MAX]:
        print(difference)
    if found:
        print(f"FAIL: {len(found)} differences from {commit[:10]} with {len(seeds)} seeds")
        return ExitCode.FAIL
    print(f"PASS: as at {commit[:10]}: {len(sizes)} files, {sum(sizes):,} bytes of {len(seeds)} seeds")
    return ExitCode.PASS


def _recording_of(commit: str, path: Path) -> Path:
    """The commit's own recording; for a commit that had none yet, the first one that there was."""
    first = git("log", "--diff-filter=A", "--format=%H", "--", RECORDING).split()[-1:]
    source = next((text for at in [commit, *first] if (text := git("show", f"{at}:{RECORDING}"))), None)
    path.write_text(source or (ROOT / RECORDING).read_text(encoding="utf-8"), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
