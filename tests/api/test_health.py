import pytest

from mocklend import __version__
from mocklend.runtime import Platform
from support.caller import Caller

pytestmark = pytest.mark.security


def test_health_names_version_engine_and_layer(platform: Platform, stranger: Caller) -> None:
    platform.pulse.answers_within_s = 30

    health = stranger.made(stranger.get("/-/health"))

    assert health == {
        "status": "ok", "writes": "ok", "writes_wait_ms": 0, "version": __version__, "engine": platform.engine.dialect.name,
        "layer": False,
    }  # fmt: skip


def test_health_answers_while_a_write_takes_long(platform: Platform, stranger: Caller) -> None:
    platform.writer._written = -1e9
    assert platform.writer._commit_lock.acquire(timeout=10)
    try:
        answers = [stranger.made(stranger.get("/-/health")) for _ in range(3)]
    finally:
        platform.writer._commit_lock.release()
    platform.pulse.answers_within_s = 30
    well = stranger.made(stranger.get("/-/health"))

    assert [health["writes"] for health in (*answers, well)] == ["unknown", "unknown", "unknown", "ok"]
    assert 0 < answers[0]["writes_wait_ms"] <= answers[2]["writes_wait_ms"]
    assert well["writes_wait_ms"] == 0
