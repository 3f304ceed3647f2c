"""The passes that a search evaluates: the step that is asked for, and what its estimate and its limits ask beside it.

Each pass has a variant for each machine and choice of formats, in one order, and formulas for each plan and split.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model.choices import Minimise, Split
from steptime.model.layout.enumeration import Columns
from steptime.model.phases.accounts import Accounts
from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.formulas import Formulas
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.variants import Variant, variants_on

Array = np.ndarray


class Pass:
    """One kind of pass on all variants, each known by its number."""

    def __init__(
        self, search: Search, accounts: Accounts, columns: Columns, minimise: Minimise,
        variants: Sequence[Variant] | None = None,
    ) -> None:  # fmt: skip
        self.search, self.accounts, self.columns, self.minimise = search, accounts, columns, minimise
        listed = [one for machine in search.hardware for one in variants_on(search, accounts, machine)]
        self.variants = listed if variants is None else variants
        self._formulas = dict[tuple[int, Split], Formulas]()
        heads: dict[object, int] = {}
        self._heads = [heads.setdefault(key(one), number) for number, one in enumerate(self.variants)]

    def formulas(self, number: int, split: Split) -> Formulas:
        """Those of the first variant that shares the plan: its formulas are all's."""
        head = self._heads[number], split
        if head not in self._formulas:
            variant = self.variants[head[0]]
            plan = replace(variant.plan, ffn=split)
            self._formulas[head] = Formulas(
                self.accounts, variant.phase, plan, self.search, self.minimise, variant.values)  # fmt: skip
        return self._formulas[head]

    def values(self, numbers: Array) -> dict[Symbol, Any]:
        """Numbers of variants with the same quantities: one for all, or a row for each."""
        return joined([self.variants[number].values for number in range(len(self.variants))], numbers)

    def at(self, numbers: Array, rows: Array, split: Split, batches: Array) -> Points:
        """Some layouts of one split, each on its variant, at batches of their own."""
        return self.formulas(int(numbers[0]), split).at(self.values(numbers), self.columns, rows, batches)

    def split(self, rows: Array) -> Split:
        """The one split of some layouts."""
        return Split.STAGE if self.columns["ffn_all"][rows[0]] else Split.TENSOR


def key(variant: Variant) -> object:
    """What variants that share their formulas have in common."""
    return variant.plan, variant.phase


def joined(by_variant: Sequence[Any], numbers: Array) -> dict[Symbol, Any]:
    """A number for each symbol that is the same for all, or a row for each."""
    used, which = np.unique(numbers, return_inverse=True)
    first, *others = (by_variant[int(number)] for number in used)
    found: dict[Symbol, Any] = dict(first)
    for symbol in first:
        if any(other[symbol] != first[symbol] for other in others):
            found[symbol] = np.array([by_variant[int(number)][symbol] for number in used])[which][:, None]
    return found
