"""Which theorem of the book rests on which: a row a chapter, an arrow from what is used to what uses it."""

from functools import cache

from steptime.derivations.library import find
from steptime.derivations.steps import Derivation
from steptime.model.book.prose import label
from steptime.model.book.told import chapters

WIDTH, HEIGHT = 155.0, 185.0
"""Millimetres of the picture."""


def edges() -> tuple[tuple[str, str], ...]:
    """Pairs of theorems that are told, the first used by the second: at once, or by way of lemmas alone."""
    told = {one.name for chapter in chapters() for one in chapter.argument}
    return tuple((below, name) for name in told_in_order() for below in sorted(_reached(find(name), frozenset(told))))


def told_in_order() -> list[str]:
    """The names of all theorems that are told."""
    return [one.name for chapter in chapters() for one in chapter.argument]


@cache
def _reached(one: Derivation, told: frozenset[str]) -> frozenset[str]:
    """The told theorems that it uses, lemmas between being passed through."""
    found: set[str] = set()
    for used in one.uses:
        found |= {used.name} if used.name in told else _reached(used, told)
    return frozenset(found)


def graph() -> str:
    """The picture: each theorem by its number."""
    rows = chapters()
    places: dict[str, tuple[float, float]] = {}
    for row, chapter in enumerate(rows):
        for column, one in enumerate(chapter.argument):
            across = WIDTH * (column + 0.5) / max(len(chapter.argument), 3)
            places[one.name] = (18 + across * (WIDTH - 18) / WIDTH, -HEIGHT * row / len(rows))
    lines = [r"\begin{tikzpicture}[x=1mm,y=1mm,every node/.style={font=\scriptsize}]"]
    for chapter in rows:
        down = places[chapter.argument[0].name][1]
        lines.append(rf"\node[left] at (14,{down:.1f}) {{chapter {chapter.number}}};")
    for name, (x, y) in places.items():
        box = "fill=white,draw=black!60,rounded corners=1pt,inner sep=2pt"
        lines.append(rf"\node[{box}] ({name}) at ({x:.1f},{y:.1f}) {{\ref{{{label(name)}}}}};")
    for below, above in edges():
        bend = "bend left=40" if places[below][1] == places[above][1] else "bend right=10"
        lines.append(rf"\draw[->,>=Stealth,black!50] ({below}) to[{bend}] ({above});")
    caption = r"\caption{Which theorem rests on which, at once or by lemmas alone; a row is a chapter.}"
    end = [r"\end{tikzpicture}", caption, r"\label{fig:graph}", r"\end{figure}"]
    return "\n".join([r"\begin{figure}[p]\centering", *lines, *end])
