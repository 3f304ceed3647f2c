"""Derivations: the library's and a user's own, verified, shown and exported by the same calls; formulas solved for any
of their quantities."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import sympy
from rich.console import Group

from steptime.derivations.inverse import Inverse, inverse_json
from steptime.derivations.inverse import solve_for as invert
from steptime.derivations.library import derivations as proofs
from steptime.derivations.library import find
from steptime.derivations.printed.export import fragment
from steptime.derivations.printed.markdown import markdown
from steptime.derivations.steps import Derivation as Proof
from steptime.derivations.steps import Step as Line
from steptime.model.api.shown import Shown
from steptime.model.api.step import quiet
from steptime.model.errors import NotVerified, UserError
from steptime.model.parse import text_of
from steptime.model.quantity import latex as latex_of
from steptime.model.step.solver_words import ranges_of
from steptime.model.step.words import quantities, record

from steptime.model.text.derivation_lists import list_json, list_table, matching, overview  # isort: skip
from steptime.model.text.derivations import (  # isort: skip
    entry_json, entry_table, graph, inverse_table, short_table, verified,
)  # fmt: skip
from steptime.model.text.records import records_csv

__all__ = ["Book", "Derivation", "Inverted", "Line", "derivation", "library", "solve_for"]


@dataclass(frozen=True, repr=False)
class Derivation(Proof, Shown):
    """A claim with its proof: a start, and lines that follow from it by a closed list of rules (``st.rules``).

    ``verify()`` checks every line and raises a ValueError at the first that fails; ``table()`` shows it; ``latex()``
    and ``markdown()`` export it. A derivation of one's own is made with the same fields:

    >>> import steptime as st
    >>> power = st.quantity("my_power", st.units.joule / st.units.second, "P", "watts of my machine")
    >>> energy = st.quantity("my_energy", st.units.joule, "e", "joules of one step")
    >>> t = st.quantities("step_time")[0].symbol
    >>> one = st.Derivation(
    ...     name="my-energy", title="Energy of a step", rows=("1.1",), claim="Power times time.",
    ...     start=st.rules.equation(energy, power * t),
    ...     steps=(st.Line("solve for the power", st.rules.solve_for(power), st.rules.equation(power, energy / t)),),
    ...     assumes=("power is constant",), sources=("a lecture",), example=lambda: {energy: 20.0, t: 0.02},
    ...     example_text="20 J in 20 ms")
    >>> one.verify()
    >>> one.evaluate()
    1000.0
    """

    schema: ClassVar[str] = "derivation"

    @classmethod
    def of(cls, proof: Proof) -> "Derivation":
        """A derivation of the library, which shows itself."""
        made = cls(**{field.name: getattr(proof, field.name) for field in fields(proof)})
        made.__dict__["_of"] = proof  # what it is a view of is verified once
        return made

    @cached_property
    def failure(self) -> str | None:
        """What fails first, None where every line holds and the region is as stated."""
        proof = self.__dict__.get("_of")
        return self.first_failure() if proof is None else proof.failure

    @property
    def verified(self) -> bool:
        """Whether every line follows."""
        try:
            self.verify()
        except NotVerified:
            return False
        return True

    def latex(self) -> str:
        """A fragment: claim, every line with its reason, numbers put in, assumptions, sources."""
        return fragment(self)

    def markdown(self, named: Callable[[str], str] = "`{}`".format) -> str:
        """The same in Markdown; ``named`` writes, or links to, the name of another derivation."""
        return markdown(self, named)

    def _json(self) -> dict[str, Any]:
        return entry_json(self)

    def table(self, short: bool = False) -> Group:
        """All of it, or in a few lines."""
        return short_table(self) if short else entry_table(self)

    def __repr__(self) -> str:
        return f"Derivation({self.name}: {self.title})"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {latex_of(self.result)}$"


def derivation(name: str) -> Derivation:
    """A derivation of the library by its name; raises UserError with the best matches.

    >>> import steptime as st
    >>> st.derivation("ridge").result.rhs
    bytes_per_weight*peak_flops/(flops_per_mac*memory_bandwidth)
    """
    return Derivation.of(find(text_of(name, "`name`")))


@dataclass(frozen=True, repr=False)
class Book(Shown):
    """Derivations of the library, by chapter: all, or those that ``word`` names."""

    schema: ClassVar[str] = "derivations"
    word: str = ""

    @property
    def _chosen(self) -> tuple[Any, ...]:
        return matching(self.word) if self.word else proofs()

    def __iter__(self) -> Any:
        return iter([Derivation.of(one) for one in self._chosen])

    def __len__(self) -> int:
        return len(self._chosen)

    def __repr__(self) -> str:
        return f"Book({len(self)} derivations)"

    @property
    def verified(self) -> bool:
        """Whether every line of every derivation follows."""
        return self.verify()

    def verify(self, progress: Callable[[float], None] = quiet) -> bool:
        """Verify all of them; ``progress`` is told the share that is done."""
        return all(why is None for why in verified(self._chosen, progress).values())

    def graph(self) -> str:
        """Which derivation uses which, as a Mermaid graph."""
        return graph()

    def csv(self) -> str:
        """One row a derivation: its name, rows of the lecture, title and claim."""
        return records_csv([{"name": one.name, "rows": one.rows, "title": one.title, "claim": one.claim,
                             "steps": len(one.steps)} for one in self._chosen])  # fmt: skip

    def _json(self) -> dict[str, Any]:
        return list_json(self._chosen)

    def table(self) -> Group:
        return list_table(self._chosen) if self.word else overview()


def library(word: str = "") -> Book:
    """Derivations of the library: all, or those of a chapter ("3"), of a row of the lecture ("1.5"), or with a word in
    their name, title or claim. ``to_dict`` verifies them.

    >>> import steptime as st
    >>> [one.name for one in st.library("1.4")]
    ['ridge', 'peak-by-ridge']
    """
    return Book(text_of(word, "`word`"))


def formulas_named(names: tuple[object, ...]) -> tuple[str, ...]:
    """Names of formulas as texts; raises UserError for anything else."""
    return tuple(text_of(name, "name of a formula") for name in names)


@dataclass(frozen=True, repr=False)
class Inverted(Shown):
    """A formula solved for one of its quantities: every positive root, and the closed form where there is one."""

    schema: ClassVar[str] = "solve-for"
    answer: Inverse

    @property
    def values(self) -> tuple[float, ...]:
        return self.answer.solutions

    @property
    def formula(self) -> sympy.Eq | None:
        return self.answer.closed_form

    def _json(self) -> dict[str, Any]:
        return inverse_json(self.answer)

    def table(self) -> Group:
        return inverse_table(self.answer)

    def __repr__(self) -> str:
        found = ", ".join(f"{value:.6g}" for value in self.values)
        return f"Inverted({self.answer.quantity.name} in {self.answer.formula}: {found})"


def solve_for(quantity: str, formula: str, ranges: Mapping[str, Any] | None = None, **words: Any) -> Inverted:
    """Any formula, a derivation's result or a term's, for any of its quantities; the others are given by name.

    >>> import steptime as st
    >>> st.solve_for("ridge", "ridge", bytes_per_weight=1, peak_flops="1979TFLOP/s", memory_bandwidth="3.35TB/s")
    Inverted(ridge in ridge: 295.373)
    """
    from steptime.derivations.inverse import find_formula

    find_formula(text_of(formula, "`formula`"))  # opens the library, whose chapters declare quantities of their own
    if ranges is not None and not isinstance(ranges, Mapping):
        raise UserError("`ranges`: give both ends by quantity, as {'memory_bandwidth': ('1TB/s', '3TB/s')}")
    limits = ranges_of(ranges) if ranges else {}
    values = {name: value for name, value in words.items() if value is not None}
    return Inverted(invert(formula, record(quantity).symbol, quantities(values), limits))
