"""Reading a channel's statement as a user does: strictly as evidence, and leniently if it is damaged."""

from __future__ import annotations

import pytest

from mocklend.reconcilers.statement import MalformedFile, read_camt053, whole_rows


@pytest.fixture(scope="module")
def file(mocklend_server: str) -> bytes:
    from mocklend.client import Client

    with Client(mocklend_server) as anyone, anyone.sandbox(seed=1, now="2026-01-05T02:00:00Z") as client:
        for amount_minor in (1_000, 2_000, 3_000):
            client.pay_at_channel("bank_transfer", amount_minor, payer_name="Ada")
        client.advance("P2D")
        data: bytes = client.statement("bank_transfer", "2026-01-05", format="camt053")
    return data


def test_the_complete_rows_of_a_truncated_statement_are_readable_as_a_hint(file: bytes) -> None:
    cut = file[: file.rindex(b"</Ntry>")]

    with pytest.raises(MalformedFile):
        read_camt053(cut)
    assert whole_rows(cut) == read_camt053(file)[:-1]


def test_a_statement_in_another_encoding_is_readable_as_a_hint(file: bytes) -> None:
    saved = file.decode().encode("utf-16")

    with pytest.raises(MalformedFile):
        read_camt053(saved)
    assert whole_rows(saved) == read_camt053(file)


def test_a_file_that_is_no_statement_has_no_rows(file: bytes) -> None:
    assert len(read_camt053(file)) == 3
    assert whole_rows(b"not found") == whole_rows(b"") == []
