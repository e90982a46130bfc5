"""Reports that are kept in the sandbox that they are about: the newest KEPT_MAX, with a truth that may be hidden.

        make_report ─▶ requests within this process ─▶ ReportDoc ─▶ a row of the sandbox ─▶ opened ─▶ without its truth

A report is made when somebody asks for it, and never by looking. It stands in a table of the sandbox, so that every
process has it, and a reset or a deletion takes it away. While the truth of a sandbox is hidden, nobody gets a report
with it: such a file is made to be handed on. Once it is shown again, the same report has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import orjson

from mocklend.domain.problems import Refused
from mocklend.language import Language, said
from mocklend.machine_clock import wall_ns
from mocklend.reports.documents import ReportDoc, without_truth
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import HIDDEN
from mocklend.scenarios.runs import run_of
from mocklend.storage.entities import StoredReport
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.statements import OUTBOX, statement
from mocklend.storage.work import Answer, Idempotency, Key, Work

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

KEPT_MAX = 50
PREFIX = "rep_"
LISTED = "SELECT id, about, title, made_ms FROM reports WHERE sandbox_id = :sandbox_id ORDER BY id DESC LIMIT :most"
FORGET = statement(
    "reports.forget",
    """DELETE FROM reports WHERE sandbox_id = :sandbox_id AND id NOT IN
       (SELECT id FROM reports WHERE sandbox_id = :sandbox_id ORDER BY id DESC LIMIT :most)""",
    rank=OUTBOX,
)


class KeptReport(NamedTuple):
    """A report that is kept, without its document."""

    id: str
    about: str
    title: str
    made_ms: int


@dataclass(frozen=True, slots=True)
class StoreReport:
    """Keep a report, and forget the oldest beyond KEPT_MAX."""

    sandbox_id: str
    report: StoredReport
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """The report of this id, which nobody has made yet."""
        return ((StoredReport.kind, self.report.id),)

    def decide(self, work: Work) -> Answer:
        """201 with its `id`. Raises Refused `conflict` if another was made in the same millisecond."""
        if work.find(StoredReport, self.report.id) is not None:
            raise Refused("conflict", "another report was made at the same moment", report_id=self.report.id)
        work.put(self.report)
        work.write(FORGET, most=KEPT_MAX)
        return Answer(201, {"id": self.report.id})


def make_report(app: WSGIApplication, platform: Platform, sandbox_id: str, control_token: str) -> KeptReport:
    """Make and keep a report of a sandbox: of the scenario that is played in it, or else of its newest seconds.

    Raises Refused `sandbox_unknown`, `conflict`.
    """
    from mocklend.reports.collecting import sandbox_report, scenario_report  # Here: a server starts without it.
    from mocklend.scenarios.in_process import client_of

    with client_of(app, sandbox_id, control_token) as client:
        try:
            played = run_of(platform, sandbox_id)
        except Refused as refused:
            if refused.code != "run_unknown":
                raise
            report = sandbox_report(client)
        else:
            report = scenario_report(client, played)
    made_ms = wall_ns() // 1_000_000
    kept = KeptReport(f"{PREFIX}{made_ms:013d}", report["kind"], said(Language.EN, report["title"]), made_ms)
    platform.run(StoreReport(sandbox_id, StoredReport(*kept, orjson.dumps(report).decode())))
    return kept


def kept_reports(snapshot: Snapshot, *, shows_truth: bool) -> list[KeptReport]:
    """The reports of a sandbox, the newest first. A title that names a story is shown as `opened` shows it."""
    kept = snapshot.rows(KeptReport, LISTED, most=KEPT_MAX)
    if _is_shown(snapshot, shows_truth=shows_truth):
        return kept
    return [report._replace(title=snapshot.sandbox.label or snapshot.sandbox_id) for report in kept]


def opened(snapshot: Snapshot, id: str, *, shows_truth: bool) -> ReportDoc:
    """A report for a reader, who may see the truth or not. Raises Refused `report_unknown`."""
    stored = snapshot.find(StoredReport, id)
    if stored is None:
        raise Refused("report_unknown", f"no report {id}", report_id=id)
    report = cast(ReportDoc, orjson.loads(stored.document))
    return report if _is_shown(snapshot, shows_truth=shows_truth) else without_truth(report, snapshot.sandbox.label)


def _is_shown(snapshot: Snapshot, *, shows_truth: bool) -> bool:
    """Whether a report has the truth for this reader: while it is hidden, for nobody."""
    return shows_truth and snapshot.sandbox.truth != HIDDEN
