"""The scores of a sandbox that are kept: who handed in, when, the counts, and the score with the first of its lists.

        POST /-/scores ─▶ scored in a snapshot ─▶ KeepScore ─▶ kept_scores: one row, the oldest of more than 100 goes

A kept score is what a class is ranked by, and what a page shows again. It changes nothing that a score is made of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, TypedDict

from mocklend.domain.nouns import JsonObject, one_of, says
from mocklend.domain.numbers import whole_number
from mocklend.domain.problems import Refused
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import LAYER, statement
from mocklend.storage.stores import entity, entity_of_row
from mocklend.storage.tables import Index
from mocklend.storage.work import Answer, Entity, Idempotency, Key, Work
from mocklend_faults.engine.score_verdict import FAIL, INCONCLUSIVE, PASS
from mocklend_faults.engine.scoring import ratio

ALL = "all"
SCORE = "scr_"
"""The prefix of a kept score's id."""
KEPT_MAX = 100
"""How many scores of a sandbox are kept."""
LISTED_MAX = 50
"""How many items of each list are kept."""
NUMBER_MAX = 2**62
"""More than any number of a score."""

FORGET = statement(
    "kept_scores.forget", "DELETE FROM kept_scores WHERE sandbox_id = :sandbox_id AND n <= :n", rank=LAYER
)


@entity("hand_ins", rank=LAYER)
class HandIns(Entity, frozen=True):
    """How many scores of a sandbox were kept since its last reset."""

    kind: ClassVar[str] = "hand_ins"
    id: str  # always "all"
    n: int


@entity("kept_scores", Index("n"), rank=LAYER)
class KeptScore(Entity, frozen=True):
    """A kept score: its counts as columns, for lists and classes, and all of it as JSON."""

    kind: ClassVar[str] = "kept_score"
    n: int
    label: str  # who handed in; empty if nobody said
    at_ms: int  # of the sandbox's clock
    handed_in_ms: int  # real time
    verdict: str
    demanded: int
    found: int
    false_positives: int
    wrong_class: int
    harmful_repairs: int
    findings: int
    classes: dict[str, tuple[int, int]]  # by finding class: demanded, found
    doc: str  # JSON: the score, each list cut to its first 50 items


class KeptScoreDoc(TypedDict):
    """A kept score in a list: who handed in, when, and the counts."""

    id: Annotated[str, says("The id of the score.")]
    label: Annotated[str, says("Who handed in; empty if nobody said.")]
    scored_at: Annotated[str, says("When it was scored. RFC 3339, on the sandbox's clock.")]
    handed_in_at: Annotated[str, says("When it was handed in. RFC 3339, real time.")]
    verdict: Annotated[str, one_of((PASS, FAIL, INCONCLUSIVE), "The verdict.")]
    demanded: Annotated[int, says("The number of demanded breaks.")]
    found: Annotated[int, says("How many of them were found.")]
    missed: Annotated[int, says("How many of them were missed.")]
    false_positives: Annotated[int, says("The number of findings that hit no break.")]
    wrong_class: Annotated[int, says("The number of findings with the wrong class.")]
    harmful_repairs: Annotated[int, says("The number of harmful repairs.")]
    findings: Annotated[int, says("The number of findings.")]
    precision: Annotated[float | None, says("Hits / (hits + false + wrong class), 0 to 1; null for 0 of 0.")]
    recall: Annotated[float | None, says("Hits / demanded, 0 to 1; null if nothing was demanded.")]


_LISTED = f"""SELECT {", ".join(name for name in KeptScore.__struct_fields__ if name != "doc")}, '' FROM kept_scores
    WHERE sandbox_id = :sandbox_id AND n < :before ORDER BY n DESC LIMIT :most"""


def kept_doc(score: KeptScore) -> KeptScoreDoc:
    """A kept score as lists show it."""
    wrong = score.false_positives + score.wrong_class
    precision, recall = ratio(score.found, score.found + wrong, score.demanded), ratio(score.found, score.demanded)
    return {
        "id": score.id,
        "label": score.label,
        "scored_at": rfc3339(score.at_ms),
        "handed_in_at": rfc3339(score.handed_in_ms),
        "verdict": score.verdict,
        "demanded": score.demanded,
        "found": score.found,
        "missed": score.demanded - score.found,
        "false_positives": score.false_positives,
        "wrong_class": score.wrong_class,
        "harmful_repairs": score.harmful_repairs,
        "findings": score.findings,
        "precision": None if precision is None else round(float(precision), 6),
        "recall": None if recall is None else round(float(recall), 6),
    }


def newest(reader: SandboxReader, before: int = NUMBER_MAX, most: int = KEPT_MAX) -> list[KeptScore]:
    """So many kept scores with a number below `before`, the newest first, without their documents."""
    return reader.rows(partial(entity_of_row, KeptScore), _LISTED, before=before, most=most)


def score_of(reader: SandboxReader, id: str) -> KeptScore:
    """The kept score with this id. Raises Refused `score_unknown`."""
    kept = reader.find(KeptScore, id)
    if kept is None:
        raise Refused("score_unknown", f"no score {id[:64]!r} is kept", received=id[:64])
    return kept


def number_of(id: str) -> int:
    """The number in the id of a kept score; 0 if it is none, so that no score comes before it."""
    return whole_number(id.removeprefix(SCORE)) or 0


@dataclass(frozen=True, slots=True)
class KeepScore:
    """Keep a score. `score` is its JSON document; the times are of the sandbox's clock and of real time."""

    sandbox_id: str
    score: JsonObject
    label: str
    at_ms: int
    handed_in_ms: int

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> tuple[Key, ...]:
        """The number of the last one."""
        return ((HandIns.kind, ALL),)

    def decide(self, work: Work) -> Answer:
        """201 and the `id` of the kept score."""
        last = work.find(HandIns, ALL)
        n = 1 if last is None else last.n + 1
        counts: Mapping[str, int] = self.score["counts"]
        classes: Mapping[str, Mapping[str, int]] = self.score["by_class"]
        work.put(HandIns(ALL, n))
        work.put(
            KeptScore(
                id=f"{SCORE}{n}",
                n=n,
                label=self.label,
                at_ms=self.at_ms,
                handed_in_ms=self.handed_in_ms,
                verdict=self.score["verdict"],
                demanded=counts["demanded"],
                found=counts["true_positives"],
                false_positives=counts["false_positives"],
                wrong_class=counts["wrong_class"],
                harmful_repairs=counts["harmful_repairs"],
                findings=counts["findings"],
                classes={name: (of["demanded"], of["found"]) for name, of in sorted(classes.items())},
                doc=json.dumps(cut(self.score), separators=(",", ":")),
            )
        )
        if n > KEPT_MAX:
            work.write(FORGET, n=n - KEPT_MAX)
        return Answer(201, {"id": f"{SCORE}{n}"})


def cut(score: JsonObject) -> JsonObject:
    """A score with the first items of its lists: what is kept of it."""
    lists: Mapping[str, Sequence[object]] = score["lists"]
    counts: Mapping[str, int] = score["counts"]
    shortened = {name: list(listed[:LISTED_MAX]) for name, listed in lists.items()}
    return {
        **score,
        "lists": shortened,
        "lists_cut": [name for name, listed in shortened.items() if counts[name] > len(listed)],
        "near": list(score["near"][:LISTED_MAX]),
    }
