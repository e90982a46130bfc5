"""Planted bugs: commands that do what no command may, for tests of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mocklend.storage.work import Answer, Idempotency, Key, Work
from support.story import Story


@dataclass(frozen=True)
class Plant:
    """A command that does what `bug` does."""

    sandbox_id: str
    bug: Callable[[Work], None]
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """Nothing."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200, after the bug."""
        self.bug(work)
        return Answer(200, {})


def plant(story: Story, bug: Callable[[Work], None]) -> None:
    """Run a command with a bug in the story's sandbox."""
    story.platform.run(Plant(story.sandbox_id, bug))
