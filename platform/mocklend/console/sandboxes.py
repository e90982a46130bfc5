"""The page Sandboxes: from one sandbox to another."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from mocklend.api.pagination import decode_cursor
from mocklend.console.visit import platform, require_teacher
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.views.reads import Lists, cursor

sandbox_pages = Blueprint("sandboxes", __name__)

LIMIT = 50


@sandbox_pages.get("/sandboxes")
def sandboxes() -> str:
    """All sandboxes, by id, without their keys."""
    require_teacher()
    listed = platform().uses.listed(decode_cursor(Lists.SANDBOXES, request.args.get("cursor")), LIMIT + 1, None)
    page = listed[:LIMIT]
    return render_template(
        "sandboxes.html",
        listed=[(sandbox, rfc3339(used_ms)) for sandbox, used_ms in page],
        next=cursor(Lists.SANDBOXES, page[-1][0].id) if len(listed) > LIMIT else None,
    )
