"""Checks out another commit of this repository, and runs its code with the libraries of this environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tool import NotRun

ROOT = Path(__file__).resolve().parent.parent


def commit_of(name: str) -> str:
    """The full hash of a commit, from any name that git knows. Raises NotRun if there is none."""
    commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
    if not commit:
        raise NotRun(f"{name!r} is not a commit of this repository")
    return commit


@contextmanager
def checked_out(commit: str, tree: Path) -> Iterator[Path]:
    """A folder with a commit's files, for the duration of the block. Raises NotRun if that is not possible."""
    try:
        git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        if not (tree / "platform" / "mocklend").is_dir():
            raise NotRun(f"git could not check {commit[:10]} out, or it has no platform")
        yield tree
    finally:
        git("worktree", "remove", "--force", str(tree))


@contextmanager
def running(tree: Path, program: Path, arguments: Sequence[str], out: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs a program with a tree's code; it is killed after the block. Its output goes to `out`.log."""
    roots = [_metadata_of(tree, out.with_suffix(".site")), tree / "platform", tree / "faults"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots))}
    command = [sys.executable, "-P", str(program), *arguments]
    with (
        out.with_suffix(".log").open("wb") as log,
        subprocess.Popen(command, cwd=out.parent, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def end_of_log(out: Path) -> str:
    """The last lines of the output of a process of `running`."""
    log = out.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    return "\n".join(log.splitlines()[-12:])


def _metadata_of(tree: Path, folder: Path) -> Path:
    """A folder for the import path with the tree's own entry points; the installed ones are those of this checkout."""
    project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = folder / f"{project['name']}-{project['version']}.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


def git(*arguments: str) -> str:
    """The output of git; empty if it fails. Raises NotRun without git."""
    command = ["git", "-c", f"safe.directory={ROOT}", *arguments]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        raise NotRun("git is needed to check a commit out, and it is not installed") from None
