"""Charts as inline SVG: drawn by matplotlib, then made fit for a page with a strict content policy.

No style sheet, no script, no reference to anything outside the drawing. Texts stay texts; each has a title and a
description.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sfsync.report.content import Chart
from sfsync.report.safe import visible

BLUE, GREEN, RED, AMBER, GREY, INK = "#1f5a8a", "#2b7a4b", "#a32d2d", "#a86400", "#6b7280", "#1f2937"
COLOURS = (BLUE, AMBER, GREEN, RED, GREY)
SEVERITY = {"error": RED, "warning": AMBER, "info": BLUE}
WIDTH = 5.0
"""Inches: so narrow that the texts can still be read where a phone shrinks it."""
_LONGEST = 26
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def svg(chart: Chart) -> str:
    """The chart as an `<svg>` element for a HTML page. The same chart gives the same text."""
    with rc_context({**_SETTINGS, "svg.hashsalt": chart.key}), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=r"(?s)Glyph .* missing from"
        )  # a reader's fonts have it, ours may not
        figure = Figure(figsize=(WIDTH, _height(chart)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _DRAWN[chart.kind](axes, chart)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _tidy(out.getvalue(), chart)


def short(value: float) -> str:
    """1234567 → `1.23 M`: three figures are enough for an eye."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:,.3g}" if value % 1 else f"{value:,.0f}"


def _height(chart: Chart) -> float:
    if chart.kind != "lines":
        return 0.4 + 0.26 * max(len(chart.labels), 2)
    return 1.5 if "trend" in chart.key else 2.6


# -- the kinds


def _bars(axes: Axes, chart: Chart) -> None:
    values = [value or 0.0 for value in next(iter(chart.series.values()))]
    bars = axes.barh(range(len(values)), values, color=BLUE)
    axes.bar_label(bars, [f"{v:,.0f}" if chart.unit else short(v) for v in values], padding=3)
    _rows(axes, chart)


def _stacked(axes: Axes, chart: Chart) -> None:
    left = [0.0] * len(chart.labels)
    for number, (name, given) in enumerate(chart.series.items()):
        values = [value or 0.0 for value in given]
        axes.barh(range(len(values)), values, left=left, color=_colour(name, number), label=visible(name))
        left = [a + b for a, b in zip(left, values, strict=True)]
    for place, total in enumerate(left):
        axes.annotate(short(total), (total, place), xytext=(3, 0), textcoords="offset points", va="center")
    axes.legend(frameon=False, loc="lower right")
    _rows(axes, chart)


def _funnel(axes: Axes, chart: Chart) -> None:
    values = [value or 0.0 for value in next(iter(chart.series.values()))]
    axes.barh(range(len(values)), values, left=[-v / 2 for v in values], color=BLUE)
    largest = max(values, default=0.0) or 1.0
    for place, value in enumerate(values):
        before = values[place - 1] if place else 0.0
        share = f"  ({100 * value / before:.0f} %)" if before else ""
        axes.text(largest * 0.53, place, f"{value:,.0f}{share}", va="center")
    _rows(axes, chart)
    axes.set_xlim(-largest / 2, largest * 0.85)
    axes.spines["left"].set_visible(False)


def _rows(axes: Axes, chart: Chart) -> None:
    axes.set_yticks(range(len(chart.labels)), [_label(label) for label in chart.labels])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.margins(x=0.14)


def _waterfall(axes: Axes, chart: Chart) -> None:
    values = [value or 0.0 for value in next(iter(chart.series.values()))]
    level = 0.0
    last = len(values) - 1
    for place, value in enumerate(values):
        whole = place in (0, last)
        left = 0.0 if whole else level
        axes.barh(place, value, left=left, color=BLUE if whole else GREEN if value >= 0 else RED)
        if whole or value:
            said = short(value) if whole else f"{'+' if value > 0 else '−'}{short(abs(value))}"
            axes.annotate(
                said, (max(left, left + value), place), xytext=(3, 0), textcoords="offset points", va="center"
            )
        level = left + value
        if place < last:
            axes.plot((level, level), (place, place + 1), color=GREY, linewidth=0.6, zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.8)
    _rows(axes, chart)
    axes.spines["left"].set_visible(False)


def _lines(axes: Axes, chart: Chart) -> None:
    places = range(len(chart.labels))
    marks = ("o", "s", "^", "D", "v")
    for number, (name, values) in enumerate(chart.series.items()):
        known = [(place, value) for place, value in zip(places, values, strict=True) if value is not None]
        mark: Any = {"marker": marks[number % len(marks)], "markersize": 4, "color": _colour(name, number)}
        axes.plot([p for p, _ in known], [v for _, v in known], label=visible(name), **mark)
    if len(chart.series) > 1:
        axes.legend(frameon=False, fontsize=8, ncols=len(chart.series), loc="lower left", bbox_to_anchor=(0, 1))
    step = max(1, -(-len(chart.labels) // 12))
    axes.set_xticks(list(places)[::step], [_label(label) for label in chart.labels][::step], rotation=40, ha="right")
    low, high = min(0.0, axes.get_ylim()[0]), axes.get_ylim()[1]
    axes.set_ylim(low, high + 0.06 * (high - low))  # room for the marks: the margin was that of the values' own range
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.6)


_DRAWN: Mapping[str, Callable[[Axes, Chart], None]] = {
    "bars": _bars,
    "stacked": _stacked,
    "funnel": _funnel,
    "waterfall": _waterfall,
    "lines": _lines,
}


def _colour(name: str, number: int) -> str:
    return SEVERITY.get(name, COLOURS[number % len(COLOURS)])


def _label(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


# -- from matplotlib's file to an element of a page


def _tidy(text: str, chart: Chart) -> str:
    root = ET.fromstring(text)
    _drop(root, ("metadata", "style"))
    used = set(re.findall(r"(?:url\(#|href=\")#?([^)\"]+)", text))
    for element in root.iter():
        _plain(element, chart.key, used)
    width, height = (float(v) for v in root.get("viewBox", "0 0 1 1").split()[2:])
    root.attrib = {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "class": "chart"}
    root.set("aria-labelledby", f"{chart.key}-t {chart.key}-d")
    for tag, said in (("desc", chart.description or chart.title), ("title", chart.title)):
        element = ET.Element(f"{_SVG}{tag}", {"id": f"{chart.key}-{tag[0]}"})
        element.text = visible(said)
        root.insert(0, element)
    ET.register_namespace("", _SVG[1:-1])
    return ET.tostring(root, encoding="unicode")


def _drop(parent: ET.Element, tags: Sequence[str]) -> None:
    for child in list(parent):
        if child.tag in [f"{_SVG}{tag}" for tag in tags]:
            parent.remove(child)
        else:
            _drop(child, tags)


def _plain(element: ET.Element, key: str, used: set[str]) -> None:
    """Style becomes attributes; names are kept only where something refers to them, and are this chart's own."""
    given: dict[str, Any] = dict(element.attrib)
    element.attrib.clear()
    for pair in given.pop("style", "").split(";"):
        name, _, value = pair.partition(":")
        if value.strip():
            given.update(_font(value.strip()) if name.strip() == "font" else {name.strip(): value.strip()})
    for name, value in given.items():
        if name == "id" and value not in used:
            continue
        if name in ("id", "clip-path", "fill", "stroke") or name == f"{_XLINK}href":
            value = (
                f"{key}-{value}"
                if name == "id"
                else value.replace("#", f"#{key}-")
                if "#" in value and ("url(" in value or "href" in name)
                else value
            )
        element.set("href" if name == f"{_XLINK}href" else name, value)
    if element.tag == f"{_SVG}text":
        element.set("font-family", "system-ui, sans-serif")


def _font(value: str) -> dict[str, str]:
    """`bold 9px 'DejaVu Sans', sans-serif` → attributes; the page's own font is used."""
    found = re.match(r"(?:(?P<weight>bold|[1-9]00)\s+)?(?P<size>[\d.]+)px", value)
    if not found:
        return {}
    return {"font-size": found["size"], **({"font-weight": found["weight"]} if found["weight"] else {})}
