"""The one style sheet: colours that print and that the colour-blind tell apart (Okabe and Ito, "Color Universal
Design", 2008), on a light or a dark page; each kind of curve with a stroke of its own besides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steptime.model.plot.shapes import Role

WIDTH = 7.6
"""Inches of every picture."""
HEIGHT = 3.7
"""Inches of the axes of curves."""
SMALL = 8.0
"""Points of legends and of what stands in a picture."""


NEARER = 0.5
"""How far a further round of colours stays from the ink."""


@dataclass(frozen=True)
class Page:
    """The colours of a page: paper, ink, lines of the grid, and eight to tell things apart."""

    paper: str
    ink: str
    faint: str
    colours: tuple[str, ...]
    roles: Mapping[Role, str]

    def colour(self, number: int) -> str:
        """One of many colours: first the eight, then as often as need be the same nearer to the ink, which differ from
        them in lightness, so that none comes twice.

        >>> len({LIGHT.colour(number) for number in range(24)})
        24
        """
        rounds, place = divmod(number, len(self.colours))
        kept = NEARER**rounds
        pairs = zip(*(bytes.fromhex(one[1:]) for one in (self.colours[place], self.ink)), strict=True)
        return "#" + "".join(f"{round(kept * one + (1 - kept) * ink):02X}" for one, ink in pairs)


_light = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#7F7F7F")
_dark = ("#56B4E9", "#E69F00", "#2FC79B", "#FF8A4C", "#3A8FC9", "#E39BC4", "#F0E442", "#9A9A9A")
_order = (Role.COMPUTE, Role.MEMORY, Role.INTERCONNECT)


def _page(paper: str, ink: str, faint: str, colours: tuple[str, ...]) -> Page:
    roles = {
        Role.COMPUTE: colours[0], Role.MEMORY: colours[3], Role.INTERCONNECT: colours[2], Role.BOUND: ink,
        Role.ESTIMATE: colours[5], Role.FLOOR: colours[7], Role.OTHER: colours[0],
        Role.SAMPLE: colours[0], Role.WEIGHTS: colours[1], Role.KV: colours[4],
    }  # fmt: skip
    return Page(paper, ink, faint, colours, roles)


LIGHT = _page("#FFFFFF", "#1A1A1A", "#DDDDDD", _light)
DARK = _page("#14171C", "#E8E8E8", "#363B44", _dark)
STROKES: Mapping[Role, Any] = {
    Role.COMPUTE: (0, (6, 2)), Role.MEMORY: (0, (2, 1.2)), Role.INTERCONNECT: (0, (6, 1.5, 1.2, 1.5)),
    Role.WEIGHTS: "solid", Role.KV: "solid",
    Role.BOUND: "solid", Role.ESTIMATE: (0, (4, 1.2, 1, 1.2, 1, 1.2)), Role.FLOOR: (0, (1, 2.5)), Role.OTHER: "solid",
}  # fmt: skip
HATCHES = ("", "////", "....", "xxxx")
"""What tells accounts of the same apart, in print as well."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")


def page_of(dark: bool) -> Page:
    return DARK if dark else LIGHT


def settings(page: Page) -> dict[str, Any]:
    """The settings of matplotlib for a page; fonts are its own, and marks in files do not change."""
    return {
        "font.family": ["DejaVu Sans"], "mathtext.fontset": "dejavusans", "font.size": 9.0,
        "legend.fontsize": SMALL, "axes.labelsize": 9.0, "figure.facecolor": page.paper,
        "axes.facecolor": page.paper, "text.color": page.ink, "axes.labelcolor": page.ink, "axes.edgecolor": page.ink,
        "xtick.color": page.ink, "ytick.color": page.ink, "grid.color": page.faint,
        "grid.linewidth": 0.6, "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False,
        "axes.spines.right": False, "hatch.linewidth": 0.5, "legend.frameon": False, "lines.linewidth": 1.6,
        "svg.hashsalt": "steptime", "svg.fonttype": "path", "pdf.fonttype": 42, "savefig.dpi": 150.0,
        "axes.formatter.use_mathtext": False,
    }  # fmt: skip
