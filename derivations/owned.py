"""Which formulas and quantities are the package's own: the model's formulas by module and name, the chapters' too."""

import ast
import inspect
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import TypeAlias

from sympy import Expr, Symbol

from steptime.model.quantity import declared_as
from steptime.model.terms import StepTime, Term

Formula: TypeAlias = Expr | Term | StepTime
ROOMS = ("economics", "estimate", "waiting", "fleet")
"""Rooms of the model that have quantities of their own."""
PLACES = ("phases", "network", "economics", "estimate", "waiting", "fleet")


@cache
def _all_formulas() -> frozenset[Expr]:
    """The formulas of the model, and those that chapters start from, as expressions; a term counts by its time."""
    chapters = import_module("steptime.derivations").__path__
    found: list[object] = list(formulas().values())
    for module in walk_packages(chapters, "steptime.derivations."):
        if module.name.endswith(".formulas"):
            values = vars(import_module(module.name))
            found += [values[name] for name in _assigned(import_module(module.name)) if name in values]
    named = [value.time if isinstance(value, Term) else value for value in found if _is_formula(value)]
    return frozenset(value for value in named if isinstance(value, Expr))


def is_formula(expr: Expr) -> bool:
    """Whether an expression is a formula that the model, or a chapter's list of formulas, names.

    >>> from steptime.model.phases.decode import compute
    >>> is_formula(compute.time), is_formula(7 * compute.time)
    (True, False)
    """
    return expr in _all_formulas()


@cache
def _own_names() -> frozenset[str]:
    chapters = import_module("steptime.derivations").__path__
    modules = [
        found.name for found in walk_packages(chapters, "steptime.derivations.") if found.name.endswith(".symbols")
    ]
    return frozenset(
        name
        for where in ("steptime.model.symbols", *(f"steptime.model.{room}.symbols" for room in ROOMS), *modules)
        for name in vars(import_module(where))
    )


def is_declared_here(symbol: Symbol) -> bool:
    """Whether a quantity is one of the package's own: its meaning is taken, and nobody defines it anew."""
    return declared_as(symbol) is not None and symbol.name in _own_names()


def formulas() -> dict[str, Formula]:
    """Every formula of the model by module and name; those of a mapping by key, where they have no name of their own.

    >>> formulas()["economics.cost.cost_per_token"]
    chip_hour_price*chips*step_time/(batch*hour)
    """
    modules = [module for place in PLACES for module in _modules(f"steptime.model.{place}")]
    found: dict[str, Formula] = {}
    keyed: dict[str, Formula] = {}
    for module in modules:
        where = module.__name__.removeprefix("steptime.model.")
        for name in _assigned(module):
            value = getattr(module, name)
            if _is_formula(value):
                found[f"{where}.{name}"] = value
            elif isinstance(value, dict):
                keyed |= {f"{where}.{name}.{key}": part for key, part in value.items() if _is_formula(part)}
    named = {id(value) for value in found.values()}
    return {**found, **{name: value for name, value in keyed.items() if id(value) not in named}}


def _is_formula(value: object) -> bool:
    return isinstance(value, Term | StepTime) or (
        isinstance(value, Expr) and not isinstance(value, Symbol) and not value.is_number
    )


def _modules(package: str) -> list[ModuleType]:
    path = import_module(package).__path__
    return [import_module(found.name) for found in walk_packages(path, f"{package}.")]


def _assigned(module: ModuleType) -> list[str]:
    """Names that a module gives at its top, without what it imports."""
    names: list[str] = []
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names += [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return names
