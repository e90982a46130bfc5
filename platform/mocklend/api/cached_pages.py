"""A status page as it is answered beside a shared cache: from there, or from the database, and a header says which."""

from __future__ import annotations

from flask import Response

from mocklend.api.json_body import asked_request
from mocklend.api.peek import is_peek
from mocklend.api.responses import as_stored
from mocklend.runtime import Platform
from mocklend.sandboxes.page_epochs import PageKey
from mocklend.views import page_versions, reads
from mocklend.views.shared_pages import NOTHING, CachedPage, CacheUse, Look, SharedPages

HEADER = "Mocklend-Cache"


def status_page(platform: Platform, sandbox_id: str, loan_id: str) -> Response:
    """The status page of a loan, with the header where there is a shared cache. Raises Refused `loan_unknown`."""
    pages = platform.shared_pages
    if is_peek():
        with platform.snapshot(sandbox_id) as snapshot:
            return as_stored(reads.page_text(snapshot, loan_id))
    if pages is None:
        with platform.snapshot(sandbox_id) as snapshot:
            shown = reads.page_shown(snapshot, loan_id, platform.replica_rotation)
        asked_request().stale = shown.version < shown.newest
        return as_stored(shown.doc)
    body, use, stale = _page(platform, pages, sandbox_id, loan_id)
    asked_request().stale = stale
    pages.count(use)
    response = as_stored(body)
    response.headers[HEADER] = use
    return response


def _page(platform: Platform, pages: SharedPages, sandbox_id: str, loan_id: str) -> tuple[bytes | str, CacheUse, bool]:
    """A page's JSON, where it came from, and whether there is a newer version."""
    key, look = _look(platform, pages, sandbox_id, loan_id)
    if look is not None and look.body is not None:
        return look.body, "hit", look.stale
    with platform.snapshot(sandbox_id) as snapshot:
        page = page_versions.page_span(snapshot, loan_id, platform.replica_rotation)
    if look is None:
        return page.doc, "down", page.stale
    if page.span is not None and look.lease is not None:
        pages.keep(key, look.lease, CachedPage.of(page.span))
    return page.doc, "miss", page.stale


def _look(platform: Platform, pages: SharedPages, sandbox_id: str, loan_id: str) -> tuple[PageKey, Look | None]:
    """The page's key at the epoch that the request's own read of the sandbox has seen, and a look for it."""
    seen = platform.known.seen_here(sandbox_id)
    key = PageKey(sandbox_id, 0 if seen is None else seen.page_epoch, loan_id)
    if seen is not None and key.epoch:
        return key, pages.get(key, seen.now_ms(platform.real_ms()))
    pages.begin(sandbox_id, platform.real_ms(), platform.writer.submit)
    return key, None if pages.is_down else NOTHING
