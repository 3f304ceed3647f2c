"""Inputs read as far as the layout: everything but it has a number."""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Symbol

from steptime.model.catalog.hardware import Hardware
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
