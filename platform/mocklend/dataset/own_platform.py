"""A platform for one branch: in this process, in a temporary folder, gone when it was read.

Rules are armed and the answer key is read through its own control plane, so whatever fault layer is installed serves,
and without one the platform is honest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mocklend.runtime import Platform, find_layer

HONEST = "none"
"""The profile of a platform that does not lie."""


class ProfileRefused(Exception):
    """The profile cannot be armed: it is not known, or there is no fault layer that would know one."""


class OwnPlatform:
    """A lender with one sandbox on a manual clock, and a way to its control plane."""

    def __init__(self, runtime: Platform, folder: Path, *, seed: int, now_ms: int) -> None:
        self.runtime = runtime
        self._sandbox = runtime.create_sandbox(seed=seed, mode="manual", now_ms=now_ms)
        self.sandbox_id = self._sandbox.id
        self._database = str(folder / "branch.db")
        self.control: Any = None
        """The control plane's client, once a profile is armed."""

    def arm(self, profile: str) -> None:
        """Switch to a profile. Raises ProfileRefused. The honest one needs no fault layer."""
        if profile == HONEST:
            return
        if self.runtime.layer is None:
            raise ProfileRefused(f"profile {profile!r} needs the fault layer, which is not installed: use {HONEST!r}")
        # Here and not above: an honest data set does not pay for a web framework.
        from mocklend.app import create_app
        from mocklend.config import Settings

        settings = Settings(host="127.0.0.1", database=self._database, durability="fast")
        self.control = create_app(settings, self.runtime).test_client()
        answer = self.control.put("/-/profile", json={"name": profile}, headers=self.headers)
        if answer.status_code != 200:
            raise ProfileRefused(answer.get_json()["detail"])

    def answer_key(self) -> Iterator[bytes]:
        """The answer key as it stands, a line of JSON an entry, without its end."""
        if self.control is None:
            return
        answer = self.control.get("/-/answer-key?format=jsonl", headers=self.headers)
        assert answer.status_code == 200, f"the answer key was refused: {answer.text[:500]}"
        yield from answer.data.splitlines()

    @property
    def headers(self) -> dict[str, str]:
        """What names the sandbox to the control plane."""
        return {"Authorization": f"Bearer {self._sandbox.api_key}"}


@contextmanager
def own_platform(*, seed: int, now_ms: int) -> Iterator[OwnPlatform]:
    """A platform that lives as long as the block. Its webhooks are kept, and delivered nowhere."""
    with tempfile.TemporaryDirectory(prefix="mocklend-branch-") as folder:
        runtime = Platform(str(Path(folder, "branch.db")), find_layer(), fast=True, delivers=False)
        try:
            yield OwnPlatform(runtime, Path(folder), seed=seed, now_ms=now_ms)
        finally:
            runtime.close()
