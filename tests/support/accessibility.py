"""What keeps some readers from a page in Chromium."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AT_REST = "Promise.all(document.getAnimations().map(animation => animation.finished)).then(() => null)"
"""A colour that fades in has too little contrast at first."""
BROKEN = r"""() => {
    const found = new Set(), walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    for (let node; node = walk.nextNode();) {
        const holder = node.parentElement;
        if (!holder.offsetParent || holder.closest("pre, textarea, .unseen")) continue;
        for (const word of node.data.matchAll(/[A-Za-z0-9][\w.:-]*[A-Za-z0-9]/g)) {
            if (!holder.closest("code") && !/^[a-z]+_[a-z0-9]{12,}$/.test(word[0])) continue;
            const range = document.createRange();
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map(line => Math.round(line.top))).size > 1) found.add(word[0]);
        }
    }
    return [...found];
}"""
"""The ids and codes that go on in a second line: nobody can compare, search or copy half an id."""


def barriers(page: Page) -> list[str]:
    """The violations of accessibility on the page that is open, ids in two lines, and whether it is wider than the window."""
    page.evaluate(AT_REST)
    results = Axe().run(page)
    found = [f"{page.url}: {results.generate_report()}"] if results.violations_count else []
    found += [f"{page.url} breaks {word} in two lines" for word in page.evaluate(BROKEN)]
    scrolls = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*found, f"{page.url} scrolls sideways"] if scrolls else found
