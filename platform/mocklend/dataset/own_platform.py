"""A platform for one branch: in this process, in a temporary folder, deleted after it was read.

Rules are armed and the answer key is read through its own control plane, so any installed fault layer can serve;
without one the platform has no faults.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mocklend.runtime import Platform, find_layer

HONEST = "none"
"""The profile without faults."""


class ProfileRefused(Exception):
    """The profile cannot be armed: it is unknown, or no fault layer is installed."""


class OwnPlatform:
    """A platform with one sandbox on a manual clock, and a client of its control plane."""

    def __init__(self, runtime: Platform, folder: Path, *, seed: int, now_ms: int) -> None:
        self.runtime = runtime
        self._sandbox = runtime.create_sandbox(seed=seed, mode="manual", now_ms=now_ms)
        self.sandbox_id = self._sandbox.id
        self._database = str(folder / "branch.db")
        self.control: Any = None
        """The control plane's client, once a profile is armed."""

    def arm(self, profile: str) -> None:
        """Switch to a profile. Raises ProfileRefused. The profile without faults needs no fault layer."""
        if profile == HONEST:
            return
        if self.runtime.layer is None:
            raise ProfileRefused(f"profile {profile!r} needs the fault layer, which is not installed: use {HONEST!r}")
        # Imported here, so that a data set without faults does not load a web framework.
        from mocklend.app import create_app
        from mocklend.config import Settings

        settings = Settings(host="127.0.0.1", database=self._database, durability="fast")
        self.control = create_app(settings, self.runtime).test_client()
        answer = self.control.put("/-/profile", json={"name": profile}, headers=self.headers)
        if answer.status_code != 200:
            raise ProfileRefused(answer.get_json()["detail"])

    def answer_key(self) -> Iterator[bytes]:
        """Yield the answer key, one line of JSON per entry, without the line end."""
        if self.control is None:
            return
        answer = self.control.get("/-/answer-key?format=jsonl", headers=self.headers)
        assert answer.status_code == 200, f"the answer key was refused: {answer.text[:500]}"
        yield from answer.data.splitlines()

    @property
    def headers(self) -> dict[str, str]:
        """The headers that name the sandbox to the control plane."""
        return {"Authorization": f"Bearer {self._sandbox.api_key}"}


@contextmanager
def own_platform(*, seed: int, now_ms: int) -> Iterator[OwnPlatform]:
    """Yield a platform that lives as long as the block. Its webhooks are queued and not delivered."""
    with tempfile.TemporaryDirectory(prefix="mocklend-branch-") as folder:
        runtime = Platform(str(Path(folder, "branch.db")), find_layer(), fast=True, delivers=False)
        try:
            yield OwnPlatform(runtime, Path(folder), seed=seed, now_ms=now_ms)
        finally:
            runtime.close()
