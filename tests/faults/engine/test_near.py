"""Near pairs: the right loan with the wrong class."""

from __future__ import annotations

from mocklend.domain.nouns import JsonObject
from mocklend_faults.engine.near import near_pairs


def finding(n: int, says: str, entity: str, loan_id: str | None = None, key: object = None) -> JsonObject:
    return {"n": n, "class": says, "entity": entity, "loan_id": loan_id, "answer_key": key}


def missed(injection: str, says: str, entity: str, loan_id: str) -> JsonObject:
    return {"injection": injection, "class": says, "entity": entity, "loan_id": loan_id}


def test_a_false_finding_on_the_loan_of_a_missed_break_is_near_it() -> None:
    lists = {
        "missed": [
            missed("inj_1", "unidentified", "rct_1", "loan_a"),
            missed("inj_2", "stale_view", "loan_b", "loan_b"),
        ],
        "wrong_class": [],
        "false_positives": [
            finding(0, "misapplied", "loan_a"),
            finding(1, "misapplied", "rpy_9", "loan_b"),
            finding(2, "misapplied", "rpy_9"),
            finding(3, "misapplied", "loan_c"),
        ],
    }

    pairs = near_pairs(lists)

    assert [(pair["n"], pair["said"], pair["actual"], pair["loan_id"]) for pair in pairs] == [
        (0, "misapplied", "unidentified", "loan_a"),
        (1, "misapplied", "stale_view", "loan_b"),
    ]


def test_a_finding_on_the_very_entity_with_another_class_is_near_too() -> None:
    key = [{"class": "unidentified", "amount_minor": 1, "injection": "inj_1"}]
    lists = {
        "missed": [missed("inj_1", "unidentified", "rct_1", "loan_a")],
        "wrong_class": [finding(4, "misapplied", "rct_1", None, key)],
        "false_positives": [],
    }

    [pair] = near_pairs(lists)

    assert pair == {
        "n": 4, "said": "misapplied", "actual": "unidentified", "entity": "rct_1", "loan_id": "loan_a",
        "injection": "inj_1",
    }  # fmt: skip
