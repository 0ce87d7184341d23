"""The parts of a page as HTML; every text from outside is escaped."""

from __future__ import annotations

import html
import pathlib
from collections.abc import Iterable, Sequence

STYLE = pathlib.Path(__file__).with_name("style.css")


def text(value: object) -> str:
    """Text as HTML."""
    return html.escape(str(value))


def page(title: str, body: Iterable[str]) -> str:
    """A whole page that needs no other file."""
    return "\n".join([
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Without it browsers ask for /favicon.ico.
        '<link rel="icon" href="data:,">',
        f"<title>{text(title)}</title>",
        f"<style>{STYLE.read_text()}</style></head>",
        "<body><main>",
        *body,
        "</main></body></html>",
        "",
    ])  # fmt: skip


def heading(title: str, said: str) -> str:
    return f'<h2>{text(title)}</h2><p class="soft">{text(said)}</p>'


def note(said: str) -> str:
    return f'<p class="note">{text(said)}</p>'


def stats(figures: Iterable[tuple[str, str]]) -> str:
    """The few figures that matter most."""
    cells = [f'<div class="stat"><b>{text(a)}</b><span>{text(b)}</span></div>' for a, b in figures]
    return f'<div class="stats">{"".join(cells)}</div>'


def picture(address: str, caption: str, pins: Iterable[tuple[float, float]] = ()) -> str:
    """An image with its caption, and numbered pins at shares of its height and width."""
    marks = []
    for number, (down, right) in enumerate(pins, 1):
        place = f"top:{100 * down:.2f}%;left:{100 * right:.2f}%"
        marks.append(f'<span class="pin" style="{place}">{number}</span>')
    image = f'<img src="{address}" alt="{text(caption)}">'
    return (
        f'<figure><div class="map">{image}{"".join(marks)}</div>'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def maps(figures: Iterable[str]) -> str:
    return f'<div class="maps">{"".join(figures)}</div>'


def color_scale(gradient: str, low: str, high: str) -> str:
    return (
        f'<div class="scale" style="background:{gradient}"></div>'
        f'<div class="ends legend"><span>{text(low)}</span><span>{text(high)}</span></div>'
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], has_sum: bool = False) -> str:
    """Figures in rows; with a sum the last row is of all of them."""
    lines = []
    for number, row in enumerate(rows, 1):
        kind = ' class="all"' if has_sum and number == len(rows) else ""
        lines.append(f"<tr{kind}>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>")
    heads = "".join(f"<th>{text(cell)}</th>" for cell in head)
    return (
        f'<div class="card scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def settings(rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"<tr><td>{text(name)}</td><td>{text(value)}</td></tr>" for name, value in rows]
    return (
        f'<div class="card"><table class="settings"><tbody>{"".join(lines)}</tbody></table></div>'
    )


def legend() -> str:
    return (
        '<p class="legend"><span class="key before"></span>before'
        '<span class="key after"></span>after</p>'
    )


def charts(title: str, drawn: Iterable[str]) -> str:
    """Curves of one pixel beside each other."""
    cells = "".join(f"<div>{svg}</div>" for svg in drawn)
    return f'<div class="card pixel"><h3>{text(title)}</h3>{cells}</div>'


def card(inside: str) -> str:
    return f'<div class="card">{inside}</div>'


def cards(parts: Iterable[str]) -> str:
    """Cards beside each other where there is room."""
    return f'<div class="cards">{"".join(parts)}</div>'


def footer(said: str) -> str:
    return f"<footer>{text(said)}</footer>"
