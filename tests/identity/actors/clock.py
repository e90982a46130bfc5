"""Steps of time in the identity."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from identity.actors.base import DAY, HOUR, MINUTE, SECOND, Base
from mocklend.servicing import CatchUp


class Clock(Base):
    """Time passes."""

    @rule(
        by=st.sampled_from(
            [0, 1, SECOND, 2 * SECOND, 15 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 8 * DAY, 31 * DAY]
        )
    )
    def advance(self, by: int) -> None:
        before = self.now_ms
        advanced = self.platform.advance(self.id, before + by)
        self.now_ms = advanced.now_ms
        moments = [item["at"] for item in advanced.released]
        assert moments == sorted(moments)

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), wait=st.sampled_from([31 * DAY, 8 * DAY]))
    def wait_and_catch_up(self, which: int, wait: int) -> None:
        self.advance(by=wait)
        self.attempt(CatchUp(self.id, self.loans[which % len(self.loans)], "the run was cut short", "op-1"))
