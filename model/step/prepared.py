"""Inputs read as far as the layout: everything but it has a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Symbol

from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Copies
from steptime.model.layout.choices import Plan
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.phase import Phase
from steptime.model.step.inputs import Default, Inputs


@dataclass(frozen=True)
class Prepared:
    """Inputs read as far as the layout: everything but it has a number."""

    inputs: Inputs
    accounts: Accounts
    hardware: Hardware
    phase: Phase
    values: Mapping[Symbol, float]
    known: frozenset[Symbol]
    precision: Mapping[str, str]
    plan: Plan
    defaults: tuple[Default, ...]

    @property
    def ways_to_copy(self) -> Sequence[Copies]:
        """The ways to copy tokens to experts: the one that is stated, or each that there is."""
        stated = self.inputs.layout.copies if self.inputs.layout else None
        return [stated] if stated else list(Copies)[: 1 + bool(self.accounts.experts)]
