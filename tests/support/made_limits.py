"""The rows of docs/limits.md: what there is only so much of, each number from the code that keeps to it."""

from __future__ import annotations

from mocklend import config, live_series
from mocklend.api import request_log
from mocklend.api.json_body import DEPTH_MAX, MEMBERS_MAX, VALUES_MAX
from mocklend.api.preferences import ANSWER_WITHIN_S, WAIT_MAX_S
from mocklend.config import RUNNING_CLOCKS_MAX, SANDBOXES_MAX, STATEMENT_TIMEOUT_S, STATUS_PAGES_MAX
from mocklend.domain.finding import FINDINGS_MAX
from mocklend.door import Limits
from mocklend.monitoring import history
from mocklend.received import BODY_MAX, LONG_BODIES
from mocklend.reports import storing
from mocklend.sandboxes.advances import ADVANCES_KEPT
from mocklend.scheduling.advancing import THREADS_MAX
from mocklend.seams.api_answer import DELAY_MS_MAX
from mocklend.serving import BACKLOG, CONNECTIONS_MAX, FILES_SPARE, HEADERS_DEADLINE_MS, UNREAD_DEADLINE_MS
from mocklend.spool import MEMORY_MAX
from mocklend.storage.redis_link import BREAK_S, WAIT_S
from mocklend.views.shared_pages import PAGE_MS
from mocklend.webhooks.endpoints import ENDPOINTS_MAX
from mocklend_faults.api import class_work
from mocklend_faults.engine import classes, kept_scores
from mocklend_faults.engine.commands import RULES_BYTES_MAX, RULES_MAX
from mocklend_faults.engine.experiments import EXPERIMENTS_MAX


def rows() -> list[tuple[str, str, str]]:
    """What there is only so much of, how much, and what happens beyond it."""
    door, waiting = Limits(), "more wait for their turn; then `sandbox_busy`"
    waits = f"More wait, {BACKLOG:,} in the system's queue, until one is closed."
    files = f"Fewer where the system lets the process open fewer than {CONNECTIONS_MAX + FILES_SPARE:,} files."
    limit_text = f"{request_log.REQUESTS_MAX:,} requests or {_size(request_log.BYTES_MAX)} a sandbox"
    of_all = f"{request_log.REQUESTS_OF_ALL_MAX:,} requests or {_size(request_log.BYTES_OF_ALL_MAX)} over all"
    shared = "Those that have most lose their oldest, a quiet sandbox nothing: `complete` is false then."
    return [
        ("open connections", f"{CONNECTIONS_MAX:,} a server", f"{waits} {files}"),
        ("a connection on which nothing is asked", f"{HEADERS_DEADLINE_MS // 1000} s", "It is closed."),
        ("a client that takes nothing of its answer", f"{UNREAD_DEADLINE_MS // 1000} s", "It is dropped, on Linux."),
        ("an answer in memory", _size(MEMORY_MAX), "It waits in a file until it is sent."),
        ("requests at work", f"{door.running_max} a sandbox", f"{door.waiting_max:,} {waiting}"),
        ("the same on the control plane", f"{door.control_running_max}", f"{door.control_waiting_max} {waiting}"),
        ("a body's time", f"{door.body_deadline_s:g} s", "`body_late`"),
        ("a body's length", f"{_size(BODY_MAX)}; a score's {_size(LONG_BODIES['/-/scores'])}", "`body_too_large`"),
        (
            "long bodies (a score's, or its form) under way",
            f"{door.long_bodies_lane_max} a sandbox, {door.long_bodies_max} a server",
            "`sandbox_busy`, `busy`",
        ),
        ("values of a body", f"{VALUES_MAX:,}; {MEMBERS_MAX:,} names an object", "`body_too_many_values`"),
        ("depth of a body", str(DEPTH_MAX), "`body_too_deep`"),
        ("findings of a score", f"{FINDINGS_MAX:,}", "`too_many_findings`"),
        ("the record of requests", limit_text, "The oldest go; `complete` is false then."),
        ("the records of all sandboxes", of_all, shared),
        ("seconds of `GET /-/live`", f"{live_series.ROWS_MAX} a sandbox", "The oldest go."),
        ("event streams", f"{config.LIVE_STREAMS_MAX} a process, or `MOCKLEND_LIVE_STREAMS`", "503 `too_many_streams`"),
        (
            "how late an answer is, over all rules",
            f"{DELAY_MS_MAX // 1000} s",
            "It comes then, and the answer key says so.",
        ),
        ("sandboxes", f"{SANDBOXES_MAX:,} beside `default`, or `MOCKLEND_MAX_SANDBOXES`", "`too_many_sandboxes`"),
        (
            "clocks that run by themselves",
            f"{RUNNING_CLOCKS_MAX:,} beside that of `default`, or `MOCKLEND_MAX_RUNNING_CLOCKS`",
            "`too_many_clocks`",
        ),
        (
            "a statement on PostgreSQL, and a transaction between two",
            f"{STATEMENT_TIMEOUT_S} s, or `MOCKLEND_STATEMENT_TIMEOUT_S`",
            "503 `unavailable` with Retry-After; nothing is written.",
        ),
        (
            "a status page in Redis",
            f"{PAGE_MS // 1_000} s, or until the loan changes; a reply of Redis {int(WAIT_S * 1_000)} ms",
            f"The page comes from the database; after a failure Redis is not asked for {BREAK_S:.0f} s.",
        ),
        (
            "status pages in memory, on SQLite",
            f"{STATUS_PAGES_MAX:,}, about 1 KB each, or `MOCKLEND_STATUS_PAGES`",
            "All are dropped; pages come from the database until they are kept again.",
        ),
        ("advances that are kept", f"{ADVANCES_KEPT} a sandbox", "The oldest go."),
        (
            "a wait for an advance or a run of the alerts",
            f"{ANSWER_WITHIN_S} s; {WAIT_MAX_S} s if preferred",
            "202 with its address.",
        ),
        ("advances that run at once", f"{THREADS_MAX} a process", "More wait for their turn."),
        ("webhook endpoints", f"{ENDPOINTS_MAX} a sandbox", "`too_many_endpoints`"),
        ("rules", f"{RULES_MAX} a sandbox, {_size(RULES_BYTES_MAX)} of JSON together", "`too_many_rules`"),
        ("experiments", f"{EXPERIMENTS_MAX} a sandbox", "`too_many_experiments`"),
        ("scores that are kept", f"{kept_scores.KEPT_MAX} a sandbox", "The oldest go."),
        ("reports that are kept", f"{storing.KEPT_MAX} a sandbox", "The oldest go."),
        (
            "alerts that are kept",
            f"{history.OPEN_MAX:,} open and {history.CLOSED_MAX:,} closed a sandbox",
            "No more are opened; the closed ones that are oldest go.",
        ),
        ("classes", f"{classes.CLASSES_MAX} a server", "`too_many_classes`"),
        ("groups of a class", f"{classes.GROUPS_MAX}", "`validation_failed`"),
        ("loans of a sandbox that is copied for a class", f"{class_work.LOANS_MAX:,}", "`class_too_large`"),
    ]


def _size(of_bytes: int) -> str:
    return f"{of_bytes // 1024} KiB" if of_bytes < 1024**2 else f"{of_bytes // 1024**2} MiB"
