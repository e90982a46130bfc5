"""Compares the behaviour of this checkout and another commit: answers, answer keys, journals, audits and statements.

    scripts/same fc4cbf0 --seeds 10

Both run the story of 32 borrowers with the same seeds (see `recording.py`), each with its own code in a process of its
own and the libraries of this environment. The recorded files are compared byte for byte, with two exceptions:
`renamed.toml` lists words that have another name now, and the fields of a JSON object may be in any order.
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
from dataclasses import dataclass, field
from pathlib import Path

import tool
from other_commit import ROOT, checked_out, commit_of, end_of_log, git, running

from mocklend.exit_codes import ExitCode

RECORDING = "loadtests/recording.py"
SHOWN_MAX = 20
SEEDS_MAX = 1_000
JSON_ENDINGS = frozenset({".json", ".jsonl"})


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """PASS if nothing differs except the names in `renamed.toml`; otherwise FAIL, with the first differences."""
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
        help="a kind of fault to leave out on both sides: one whose seam was renamed, as random choices depend on it",
    )
    options = parser.parse_args(arguments)
    return tool.concluded(
        lambda: _compare_with(options.base, range(1, options.seeds + 1), options.without), as_json=False
    )


@dataclass(frozen=True)
class Renamed:
    """The names of an earlier commit, with the present names; `left_out` are keys that are not compared.

    In `sentences`, `{0}`, `{1}` … stand for any text without blanks.
    """

    keys: Mapping[str, str]
    words: Mapping[str, str]
    left_out: Mapping[str, str]
    sentences: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Renamed:
        """Read a file such as `renamed.toml`. Raises NotRun if it has other tables."""
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        try:
            return cls(**tables)
        except TypeError as wrong:
            raise tool.NotRun(f"{path}: {wrong}") from None

    def text(self, text: str) -> str:
        """A text with the present words in it. Of two words at the same place, the longer one is replaced."""
        for old, new in self.sentences.items():
            parts = re.split(r"\{\d\}", old)
            if all(part in text for part in parts):
                pattern = r"(\S+)".join(map(re.escape, parts))
                text = re.sub(pattern, lambda match, new=new: new.format(*match.groups()), text)  # type: ignore[misc]
        if not self.words:
            return text
        longest_first = sorted(self.words, key=len, reverse=True)
        pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"
        return re.sub(pattern, lambda match: self.words[match[0]], text)

    def document(self, value: object) -> object:
        """A JSON document with the present names, without the keys that are left out."""
        if isinstance(value, dict):
            kept = {key: inner for key, inner in value.items() if key not in self.left_out}
            return {self.keys.get(key, self.text(key)): self.document(inner) for key, inner in kept.items()}
        if isinstance(value, list):
            return [self.document(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value


def differences(before: Path, now: Path, renamed: Renamed) -> Iterator[str]:
    """The differences between two folders of recordings: the file, the place in it, both values."""
    then = {renamed.text(str(path.relative_to(before))): path for path in _files(before)}
    today = {str(path.relative_to(now)): path for path in _files(now)}
    for name in sorted(then.keys() | today.keys()):
        if name not in today or name not in then:
            yield f"{name}: only {'before' if name in then else 'now'}"
            continue
        old, new = then[name].read_bytes(), today[name].read_bytes()
        if old == new:
            continue  # Also where an old name means something else now.
        if Path(name).suffix in JSON_ENDINGS:
            yield from _in_documents(name, old, new, renamed)
        elif _words_in(old, renamed) != new:
            yield from _in_lines(name, _words_in(old, renamed), new)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _words_in(file: bytes, renamed: Renamed) -> bytes:
    """Replace words in a file. Statements have several encodings, some of them wrong, and Latin-1 decodes any byte."""
    return renamed.text(file.decode("latin-1")).encode("latin-1") if renamed.words else file


def _in_documents(name: str, old: bytes, new: bytes, renamed: Renamed) -> Iterator[str]:
    left_out = Renamed(keys={}, words={}, left_out=renamed.left_out)
    before = [renamed.document(json.loads(line)) for line in old.splitlines()]
    now = [left_out.document(json.loads(line)) for line in new.splitlines()]
    for n, (old_document, new_document) in enumerate(zip(before, now, strict=False), start=1):
        yield from _in_values(f"{name}:{n}", old_document, new_document)
    if len(before) != len(now):
        yield f"{name}: {len(before)} lines before, {len(now)} now"


def _in_values(place: str, old: object, new: object) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key in old and key in new:
                yield from _in_values(f"{place} {key}", old[key], new[key])
            else:
                yield f"{place} {key}: only {'before' if key in old else 'now'}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for n, (old_item, new_item) in enumerate(zip(old, new, strict=True)):
            yield from _in_values(f"{place} {n}", old_item, new_item)
    elif type(old) is not type(new) or old != new:
        yield f"{place}: {_shown(old)} before, {_shown(new)} now"


def _in_lines(name: str, old: bytes, new: bytes) -> Iterator[str]:
    before, now = old.split(b"\n"), new.split(b"\n")
    for n, (old_line, new_line) in enumerate(zip(before, now, strict=False), start=1):
        if old_line != new_line:
            yield f"{name}:{n}: {old_line[:100]!r} before, {new_line[:100]!r} now"
    if len(before) != len(now):
        yield f"{name}: {len(before)} lines before, {len(now)} now"


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:200]


# --- the two recordings ---


def _compare_with(base: str, seeds: range, without: Sequence[str]) -> ExitCode:
    renamed = Renamed.read(ROOT / "loadtests" / "renamed.toml")
    commit = commit_of(base)
    with tempfile.TemporaryDirectory(prefix="mocklend-same-") as name, checked_out(commit, Path(name, "tree")) as tree:
        folder = Path(name)
        of_base = _recording_of(commit, folder / "recording.py")
        tool.say(f"running the story with {len(seeds)} seeds, at {commit[:10]} and in this checkout")
        left_out = [f"--without={kind}" for kind in without]
        with ExitStack() as both:
            processes = {
                side: both.enter_context(
                    running(
                        where, recording, [str(where), str(folder / side), *map(str, seeds), *left_out], folder / side
                    )
                )
                for side, where, recording in (("before", tree, of_base), ("now", ROOT, ROOT / RECORDING))
            }
            for side, process in processes.items():
                if process.wait():
                    raise tool.CutShort(f"the story failed {side}: {end_of_log(folder / side)}")
        sizes = [path.stat().st_size for path in _files(folder / "now")]
        different = list(differences(folder / "before", folder / "now", renamed))
    for difference in different[:SHOWN_MAX]:
        print(difference)
    if different:
        print(f"FAIL: {len(different)} differences from {commit[:10]} with {len(seeds)} seeds")
        return ExitCode.FAIL
    print(f"PASS: same as at {commit[:10]}: {len(sizes)} files, {sum(sizes):,} bytes of {len(seeds)} seeds")
    return ExitCode.PASS


def _recording_of(commit: str, path: Path) -> Path:
    """The commit's own `recording.py`; for a commit before that file existed, the first version of it."""
    first = git("log", "--diff-filter=A", "--format=%H", "--", RECORDING).split()[-1:]
    source = next((text for at in [commit, *first] if (text := git("show", f"{at}:{RECORDING}"))), None)
    path.write_text(source or (ROOT / RECORDING).read_text(encoding="utf-8"), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
