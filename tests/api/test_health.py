from typing import Any

from mocklend import __version__


def test_a_server_says_what_it_is_made_of(stranger: Any) -> None:
    health = stranger.made(stranger.get("/-/health"))

    assert health == {"status": "ok", "version": __version__, "engine": "sqlite", "layer": False}
