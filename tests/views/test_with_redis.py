"""`--redis`: the platforms of the tests share their status pages in Redis, but for those that say otherwise."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

from mocklend.runtime import Platform
from support.redis_server import Real
from support.with_redis import sharing_pages


def test_platforms_on_postgresql_share_pages_unless_they_say_otherwise(
    postgresql: str, real_redis: Real, tmp_path: Path
) -> None:
    with sharing_pages(real_redis), ExitStack() as opened:
        shared, own, sqlite = (
            opened.enter_context(closing(platform))
            for platform in (
                Platform(postgresql),
                Platform(postgresql, redis_url=""),
                Platform(str(tmp_path / "mocklend.db")),
            )
        )

        assert shared.shared_pages is not None
        assert not shared.shared_pages.is_down
        assert own.shared_pages is sqlite.shared_pages is None
