"""The ratios of a report of `scripts/bench` as an SVG picture: each as a share of its goal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pygal
from pygal.etree import etree
from pygal.style import Style

STYLE = Style(
    background="white",
    plot_background="white",
    font_family="sans-serif",
    colors=("#2f6f9f", "#b0b7bd"),
    label_font_size=13,
    major_label_font_size=13,
    value_font_size=12,
    title_font_size=15,
)


def plot(
    titles: Mapping[str, str], ratios: Mapping[str, Mapping[str, float]], goals: Mapping[str, Mapping[str, float]]
) -> str:
    """The picture, with a bar for each figure and ruler. 1 is the goal; the label has the ratio itself."""
    bars = list(_bars(titles, ratios, goals))
    chart = pygal.HorizontalBar(
        style=STYLE,
        js=(),
        show_legend=False,
        print_values=True,
        width=900,
        height=80 + 44 * len(bars),
        title="Share of the goal that was measured (1 is the goal)",
        x_label_rotation=0,
        truncate_label=-1,
        value_formatter=lambda value: f"{value:.2f}",
    )
    chart.y_labels = [n / 2 for n in range(int(2 * max((share for _, share in bars), default=1)) + 2)]
    chart.x_labels = [label for label, _ in reversed(bars)]
    chart.add("measured", [round(share, 3) for _, share in reversed(bars)])
    picture = chart.render_tree()
    for parent in list(picture.iter()):
        for child in list(parent):
            if child.tag == "script":  # It is for a picture that moves.
                parent.remove(child)
    return str(etree.tostring(picture, encoding="unicode"))


def _bars(
    titles: Mapping[str, str], ratios: Mapping[str, Mapping[str, float]], goals: Mapping[str, Mapping[str, float]]
) -> Iterator[tuple[str, float]]:
    for name, of_rulers in ratios.items():
        for ruler, ratio in of_rulers.items():
            yield f"{titles[name]} / {ruler}: {ratio:.2f}", ratio / goals[name][ruler]
