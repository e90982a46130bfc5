"""The edges of the chain, each with the injections that have come between its two views."""

from __future__ import annotations

from collections.abc import Sequence

from mocklend.audit.chain.answers import ANSWERS_MAX
from mocklend.audit.chain.docs import BreakDoc, ChangeDoc, InjectionDoc
from mocklend.audit.chain.marking import Marked
from mocklend.domain.finding import TIMING
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.seams import SEAM_EDGES
from mocklend.seams.edges import Edge
from mocklend.seams.layer import TracedInjection

IN_ORDER = (*(edge for edge in Edge if edge is not Edge.CLIENT), Edge.CLIENT)
"""The edges from the world down, and the client's at the end."""


def breaks_of(traced: Sequence[TracedInjection], marked: Marked) -> list[BreakDoc]:
    """Every edge in order, with its open injections and the first wrong view after it."""
    breaks: list[BreakDoc] = []
    for edge in IN_ORDER:
        here = [injection for injection in traced if edge_of(injection.seam) == edge]
        shown = [injection for injection in here if injection.ended_ms is None]
        if edge == Edge.CLIENT:
            answers = [injection for injection in here if injection.finding.finding_class == TIMING]
            shown += [injection for injection in answers[-ANSWERS_MAX:] if injection not in shown]
        first = [marked.first[injection.id] for injection in shown if injection.id in marked.first]
        breaks.append(
            BreakDoc(
                edge=edge,
                after=min(first, key=marked.rows.index).view if first else None,
                seams=[seam for seam, of_seam in SEAM_EDGES.items() if of_seam == edge],
                injections=[injection_doc(injection) for injection in shown],
            )
        )
    return breaks


def edge_of(seam: str) -> Edge:
    """The edge of a seam. One that is not installed any more counts as the client's."""
    return SEAM_EDGES.get(seam, Edge.CLIENT)


def injection_doc(injection: TracedInjection) -> InjectionDoc:
    """An injection as JSON."""
    return InjectionDoc(
        id=injection.id,
        fault=injection.fault,
        title=injection.title,
        rule=injection.rule,
        seam=injection.seam,
        edge=edge_of(injection.seam),
        entity=injection.entity,
        at=rfc3339(injection.at_ms),
        changes=[ChangeDoc(field=name, before=before, after=after) for name, before, after in injection.changes],
        status=injection.status,
        open=injection.is_open,
        finding_class=injection.finding.finding_class,
        finding_entity=injection.finding.entity,
        amount_minor=injection.finding.amount_minor,
        ended_at=maybe_rfc3339(injection.ended_ms),
    )
