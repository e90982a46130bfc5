"""Reads of a page go to its two replicas by turns."""

from __future__ import annotations

from mocklend.views import replica_rotation
from mocklend.views.replica_rotation import ReplicaRotation


def test_every_other_read_goes_to_the_second_replica() -> None:
    rotation = ReplicaRotation()

    assert [rotation.second("sbx", "loan_ada") for _ in range(5)] == [False, True, False, True, False]


def test_the_reads_of_each_page_alternate_separately() -> None:
    rotation = ReplicaRotation()
    rotation.second("sbx", "loan_ada")

    assert not rotation.second("sbx", "loan_bob")
    assert not rotation.second("another", "loan_ada")
    assert rotation.second("sbx", "loan_ada")


def test_the_number_of_pages_in_memory_is_bounded() -> None:
    rotation = ReplicaRotation()

    for n in range(replica_rotation.REPLICAS_MAX + 1):
        rotation.second("sbx", f"loan_{n}")

    assert not rotation.second("sbx", "loan_0")
    assert rotation.second("sbx", f"loan_{replica_rotation.REPLICAS_MAX}")
