"""What one part of `scripts/ground` came to: the answers that clients got, and what became of what was acknowledged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

PASS, FAIL, INCONCLUSIVE, SKIPPED = "PASS", "FAIL", "INCONCLUSIVE", "SKIPPED"

ALLOWED = {"200", "201", "202", "503"}
"""What clients may be answered while the ground is gone: what they asked for, or that it cannot be done now."""


@dataclass(slots=True)
class Told:
    """The figures of one part, and what is wrong or in doubt about them.

    `answers` counts the HTTP statuses that clients got while the ground was gone; `none` is a request without an
    answer. `way_back_s` is the time from the ground being back to the first write that was acknowledged.
    """

    part: str
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    way_back_s: float | None = None
    cpu_ms_per_refused: float | None = None
    slowest_refused_s: float | None = None
    log_lines: int | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    skipped: str | None = None
    wrong: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def fail(self, why: str) -> None:
        """The platform did what it must not."""
        self.wrong.append(why)

    def violation(self, why: str) -> None:
        """The part did not show what it is for."""
        self.doubts.append(why)

    @property
    def outcome(self) -> str:
        """PASS, FAIL, INCONCLUSIVE or SKIPPED."""
        if self.skipped is not None:
            return SKIPPED
        if self.wrong:
            return FAIL
        return INCONCLUSIVE if self.doubts else PASS

    def judge_answers(self, allowed: set[str] = ALLOWED) -> None:
        """No answer but those that are allowed."""
        for status, count in sorted(self.answers.items()):
            if status not in allowed:
                self.fail(f"{count} requests were answered {status}")

    def judge_books(self) -> None:
        """Nothing that was acknowledged is lost or doubled."""
        if self.lost or self.doubled:
            self.fail(f"{self.lost} acknowledged writes are lost, {self.doubled} are there twice")
        if not self.acknowledged:
            self.violation("nothing was acknowledged")

    def sentences(self) -> list[str]:
        """In plain words, for a terminal."""
        if self.skipped is not None:
            return [f"{self.part}: SKIPPED, {self.skipped}"]
        answers = ", ".join(f"{status} {count}x" for status, count in sorted(self.answers.items())) or "none"
        lines = [f"{self.part}: clients got {answers}"]
        lines.append(f"  {self.acknowledged} acknowledged, {self.lost} lost, {self.doubled} doubled")
        if self.way_back_s is not None:
            lines.append(f"  the way back took {self.way_back_s:.1f} s")
        if self.cpu_ms_per_refused is not None:
            lines.append(f"  {self.cpu_ms_per_refused:.1f} ms of processor per refused request")
        if self.slowest_refused_s is not None:
            lines.append(f"  the slowest refusal took {self.slowest_refused_s:.1f} s")
        if self.log_lines is not None:
            lines.append(f"  {self.log_lines} lines in the server's log")
        lines += [f"  {name}: {value}" for name, value in self.figures.items()]
        lines += [f"  FAIL: {why}" for why in self.wrong]
        lines += [f"  INCONCLUSIVE: {why}" for why in self.doubts]
        return [*lines, f"  {self.outcome}"]

    def to_json(self) -> dict[str, Any]:
        """The same as a document."""
        return {
            "part": self.part,
            "outcome": self.outcome,
            "answers": dict(sorted(self.answers.items())),
            "acknowledged": self.acknowledged,
            "lost": self.lost,
            "doubled": self.doubled,
            "way_back_s": self.way_back_s,
            "cpu_ms_per_refused": self.cpu_ms_per_refused,
            "slowest_refused_s": self.slowest_refused_s,
            "log_lines": self.log_lines,
            **self.figures,
            "skipped": self.skipped,
            "reasons": [*self.wrong, *self.doubts],
        }
