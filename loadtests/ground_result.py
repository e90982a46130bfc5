"""The result of one part of `scripts/ground`: the clients' answers, and what became of the acknowledged writes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

PASS, FAIL, INCONCLUSIVE, SKIPPED = "PASS", "FAIL", "INCONCLUSIVE", "SKIPPED"

ALLOWED = {"200", "201", "202", "503"}
"""The statuses that clients may get during the outage: success, or that the platform is unavailable."""


@dataclass(slots=True)
class PartResult:
    """The figures of one part, with its failures and the reasons why it may be inconclusive.

    `answers` counts the HTTP statuses that clients got during the outage; `none` is a request without an answer.
    `recovery_s` is the time in seconds from the end of the outage to the first acknowledged write.
    """

    part: str
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    recovery_s: float | None = None
    cpu_ms_per_refused: float | None = None
    slowest_refused_s: float | None = None
    log_lines: int | None = None
    figures: dict[str, float | int | None] = field(default_factory=dict)
    skipped: str | None = None
    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def fail(self, why: str) -> None:
        """Add a failure of the platform."""
        self.failures.append(why)

    def inconclusive(self, why: str) -> None:
        """Add a reason why the part is inconclusive."""
        self.doubts.append(why)

    @property
    def outcome(self) -> str:
        """`PASS`, `FAIL`, `INCONCLUSIVE` or `SKIPPED`."""
        if self.skipped is not None:
            return SKIPPED
        if self.failures:
            return FAIL
        return INCONCLUSIVE if self.doubts else PASS

    def judge_answers(self, allowed: set[str] = ALLOWED) -> None:
        """Fail for each answer with another status than these."""
        for status, count in sorted(self.answers.items()):
            if status not in allowed:
                self.fail(f"{count} requests were answered {status}")

    def judge_books(self) -> None:
        """Fail if an acknowledged write is lost or doubled."""
        if self.lost or self.doubled:
            self.fail(f"{self.lost} acknowledged writes are lost, {self.doubled} are doubled")
        if not self.acknowledged:
            self.inconclusive("nothing was acknowledged")

    def sentences(self) -> list[str]:
        """The result as lines for a terminal."""
        if self.skipped is not None:
            return [f"{self.part}: SKIPPED, {self.skipped}"]
        answers = ", ".join(f"{status} {count}x" for status, count in sorted(self.answers.items())) or "none"
        lines = [f"{self.part}: clients got {answers}"]
        lines.append(f"  {self.acknowledged} acknowledged, {self.lost} lost, {self.doubled} doubled")
        if self.recovery_s is not None:
            lines.append(f"  recovery took {self.recovery_s:.1f} s")
        if self.cpu_ms_per_refused is not None:
            lines.append(f"  {self.cpu_ms_per_refused:.1f} ms of processor time per refused request")
        if self.slowest_refused_s is not None:
            lines.append(f"  the slowest refusal took {self.slowest_refused_s:.1f} s")
        if self.log_lines is not None:
            lines.append(f"  {self.log_lines} lines in the server's log")
        lines += [f"  {name}: {value}" for name, value in self.figures.items()]
        lines += [f"  FAIL: {why}" for why in self.failures]
        lines += [f"  INCONCLUSIVE: {why}" for why in self.doubts]
        return [*lines, f"  {self.outcome}"]

    def to_json(self) -> dict[str, object]:
        """The result as a JSON document."""
        return {
            "part": self.part,
            "outcome": self.outcome,
            "answers": dict(sorted(self.answers.items())),
            "acknowledged": self.acknowledged,
            "lost": self.lost,
            "doubled": self.doubled,
            "recovery_s": self.recovery_s,
            "cpu_ms_per_refused": self.cpu_ms_per_refused,
            "slowest_refused_s": self.slowest_refused_s,
            "log_lines": self.log_lines,
            **self.figures,
            "skipped": self.skipped,
            "reasons": [*self.failures, *self.doubts],
        }
