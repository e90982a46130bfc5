"""Where to watch a load: the console's page Live of its sandbox, in a browser if there is one to open.

A browser is opened only for somebody who sits at a terminal and has a screen: in CI, in a pipe and over a bare ssh the
address is printed, and that is all.
"""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping
from importlib.util import find_spec

from tool import NotRun, say


def require_console() -> None:
    """Raises NotRun if this installation has no console to open."""
    if find_spec("babel") is None:
        raise NotRun("the console is not installed: pip install 'mocklend[console]'")


def live_address(url: str, sandbox_id: str) -> str:
    """The address of the page Live of a sandbox."""
    return f"{url}/console/{sandbox_id}/live?window=all"


def has_screen(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser would have a screen: always on macOS, elsewhere where X or Wayland runs."""
    return platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def show_live(address: str, *, at_terminal: bool) -> bool:
    """Print the address, and open it if somebody sits there with a browser. Returns whether it was opened."""
    say(f"console: {address}")
    if not (at_terminal and has_screen(os.environ, sys.platform)):
        return False
    try:
        return webbrowser.open(address)
    except webbrowser.Error:  # There is none.
        return False
