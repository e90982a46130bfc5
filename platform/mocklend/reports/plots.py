"""Figures over time as SVG, without scripts and without `style=`: the report's own style sheet gives the looks.

A plot and its table are made of the same values, those of the charts of the console's page Live.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 10, 26
X_LABELS, Y_LABELS = 6, 4
DOTS = "dots"
"""The look of a line that is drawn as dots, with nothing between them."""

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A line of a plot: its name in the reader's language, how it is drawn, and a value for each place."""

    label: str
    look: str
    values: Values


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: its places along the x axis, by name, and its lines. `log` has a logarithmic y axis."""

    id: str
    title: str
    places: Sequence[str]
    lines: Sequence[PlotLine]
    unit: str = ""
    log: bool = False

    def svg(self) -> Markup:
        """The plot as an SVG element."""
        scale = _Scale.of(self)
        parts = [*_axes(self, scale), *(part for line in self.lines for part in _line(line, scale))]
        title = escape(self.title)
        return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
            WIDTH, HEIGHT, title, Markup("").join(parts)
        )


def shown(value: float | None) -> str:
    """A number as a report writes it: 12,980 or 7.9; empty for None."""
    if value is None:
        return ""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class _Scale:
    """From places and values to the coordinates of a plot."""

    places: int
    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool

    @classmethod
    def of(cls, plot: Plot) -> _Scale:
        values = [value for line in plot.lines for value in line.values if value is not None]
        if plot.log:
            positive = [value for value in values if value > 0] or [1.0]
            first, last = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
            decades = range(first, max(last, first + 1) + 1)
            return cls(len(plot.places), 10.0**first, 10.0 ** decades[-1], tuple(10.0**n for n in decades), log=True)
        step = _round_step(max(values, default=1) / Y_LABELS)
        if not plot.unit:  # Things are counted, and none is half.
            step = max(1.0, step)
        count = max(1, math.ceil(max(values, default=1) / step))
        return cls(len(plot.places), 0.0, step * count, tuple(step * n for n in range(count + 1)), log=False)

    def x(self, place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (place / (self.places - 1) if self.places > 1 else 0.5)

    def y(self, value: float) -> float:
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            share = (math.log10(max(value, self.low)) - low) / (high - low)
        else:
            share = value / self.high
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def _round_step(least: float) -> float:
    """The least step of 1, 2 or 5 times a power of ten; at least 1 for what is counted, and less for shares."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def _axes(plot: Plot, scale: _Scale) -> Iterator[Markup]:
    for tick in scale.ticks:
        y = scale.y(tick)
        yield Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, WIDTH - RIGHT, y, y)
        label = f"{shown(tick)} {plot.unit}".strip()
        yield Markup('<text class="y" x="{}" y="{:.1f}">{}</text>').format(LEFT - 6, y + 4, label)
    every = max(1, math.ceil(len(plot.places) / X_LABELS))
    for place in range(0, len(plot.places), every):
        x = scale.x(place)
        yield Markup('<text class="x" x="{:.1f}" y="{}">{}</text>').format(x, HEIGHT - 8, plot.places[place])


def _line(line: PlotLine, scale: _Scale) -> Iterator[Markup]:
    points = [
        (scale.x(place), scale.y(value)) if value is not None else None for place, value in enumerate(line.values)
    ]
    if line.look == DOTS:
        yield from (Markup('<circle class="dots" cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(*at) for at in points if at)
        return
    for run in _runs(points):
        if len(run) == 1:
            yield Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="1.5"/>').format(line.look, *run[0])
        else:
            drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
            yield Markup('<polyline class="{}" points="{}"/>').format(line.look, drawn)


def _runs(points: Sequence[tuple[float, float] | None]) -> Iterator[list[tuple[float, float]]]:
    """The points between gaps."""
    run: list[tuple[float, float]] = []
    for point in points:
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run
