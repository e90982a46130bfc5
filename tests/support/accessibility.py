"""What keeps some readers from a page in Chromium."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AT_REST = "Promise.all(document.getAnimations().map(animation => animation.finished)).then(() => null)"
"""A colour that fades in has too little contrast at first."""


def barriers(page: Page) -> list[str]:
    """The violations of accessibility on the page that is open, and whether it is wider than the window."""
    page.evaluate(AT_REST)
    results = Axe().run(page)
    found = [f"{page.url}: {results.generate_report()}"] if results.violations_count else []
    scrolls = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*found, f"{page.url} scrolls sideways"] if scrolls else found
