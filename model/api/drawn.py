"""An answer that is drawn: the numbers of a picture, and the picture."""

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from steptime.model.plot.shapes import Chart


class Drawn:
    """``kinds``: the pictures that there are of the answer, the usual one first."""

    kinds: ClassVar[tuple[str, ...]] = ()

    def chart(self, kind: str | None = None, **words: Any) -> "Chart":
        """The numbers of a picture, in base units: ``rows``, ``csv``, ``to_dict``. Needs no library.

        Raises UserError for a kind that there is none of, and where a figure is missing.

        >>> import steptime as st
        >>> chart = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").chart("batch")
        >>> [curve.name for curve in chart.curves]
        ['compute', 'memory', 'interconnect', 'bound', 'estimate']
        """
        from steptime.model.plot.kinds import chart_of

        return chart_of(self, self.kinds, kind, words)

    def plot(self, kind: str | None = None, *, dark: bool = False, **words: Any) -> "Figure":
        """The picture as a matplotlib Figure, of no global state; needs the extra ``steptime[plot]``.

        ``kind``: one of ``kinds``, the first where none is named; ``dark``: for a dark page. Further words are the
        kind's own.
        """
        from steptime.model.plot.kinds import figure_of

        return figure_of(self.chart(kind, **words), dark)
