"""How long one step of an LLM takes, why, and what would make it faster.

``import steptime as st`` and ask: ``st.step("deepseek-v3", "gb200-nvl72", batch=64)``. Nothing heavy is imported until
something is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_home = {
    "step": "step", "search": "search", "machine": "machine", "cache": "cache", "validate": "measured",
    "calibrate": "calibrated", "compare": "compared", "sweep": "sweep", "fleet": "fleet", "crossover_of": "crossed",
    "derivation": "derivation", "library": "derivation", "claims": "claimed",
    "solve_for": "derivation", "Derivation": "derivation", "Line": "derivation", "quantities": "catalogue",
    "hardware": "catalogue", "architecture": "catalogue", "catalogue": "catalogue", "Step": "step",
    "side_by_side": "side_by_side", "earners": "earners",
}  # fmt: skip
_elsewhere = {
    "Layout": "model.layout.layout", "UserError": "model.errors", "Unbound": "model.errors",
    "NotSolved": "model.errors", "quantity": "model.quantity", "latex": "model.book.latex",
}  # fmt: skip
_modules = {"rules": "derivations.rules", "units": "model.units"}

__all__ = [
    "Derivation", "Layout", "Line", "NotSolved", "Step", "Unbound", "UserError", "architecture", "cache", "calibrate",
    "catalogue", "claims", "compare", "crossover_of", "derivation", "earners", "fleet", "hardware", "latex", "library",
    "machine", "quantities", "quantity", "rules", "search", "side_by_side", "solve_for", "step", "sweep", "units",
    "validate",
]  # fmt: skip

if TYPE_CHECKING:
    from steptime.derivations import rules
    from steptime.model import units
    from steptime.model.api.cache import cache
    from steptime.model.api.calibrated import calibrate
    from steptime.model.api.catalogue import architecture, catalogue, hardware, quantities
    from steptime.model.api.claimed import claims
    from steptime.model.api.compared import compare
    from steptime.model.api.crossed import crossover_of
    from steptime.model.api.derivation import Derivation, Line, derivation, library, solve_for
    from steptime.model.api.earners import earners
    from steptime.model.api.fleet import fleet
    from steptime.model.api.machine import machine
    from steptime.model.api.measured import validate
    from steptime.model.api.search import search
    from steptime.model.api.side_by_side import side_by_side
    from steptime.model.api.step import Step, step
    from steptime.model.api.sweep import sweep
    from steptime.model.book.latex import latex
    from steptime.model.errors import NotSolved, Unbound, UserError
    from steptime.model.layout.layout import Layout
    from steptime.model.quantity import quantity


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("steptime")
    if name in _modules:
        return import_module(f"steptime.{_modules[name]}")
    if name in _home:
        return getattr(import_module(f"steptime.model.api.{_home[name]}"), name)
    if name in _elsewhere:
        return getattr(import_module(f"steptime.{_elsewhere[name]}"), name)
    raise AttributeError(f"module 'steptime' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
