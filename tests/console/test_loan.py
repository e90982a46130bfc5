"""The loan page: read once, from one snapshot."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from mocklend.audit.chain import traced
from mocklend.audit.chain.subject import Subject, subject_of
from mocklend.runtime import Platform
from mocklend.storage.snapshot import Snapshot
from support.console import Browser
from support.story import Story


def test_the_page_audits_its_loan_once_and_is_of_one_moment(
    browser: Browser, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = story.borrow()
    audited: list[str] = []
    opened: list[str] = []
    snapshot = Platform.snapshot

    def audit_and_count(reader: Snapshot, id: str) -> Subject:
        audited.append(id)
        return subject_of(reader, id)

    def open_and_count(self: Platform, sandbox_id: str) -> AbstractContextManager[Snapshot]:
        opened.append(sandbox_id)
        return snapshot(self, sandbox_id)

    monkeypatch.setattr(traced, "subject_of", audit_and_count)
    monkeypatch.setattr(Platform, "snapshot", open_and_count)

    browser.get(f"/loans/{loan_id}")

    assert audited == [loan_id]
    assert opened == [story.sandbox_id]
