"""What `latex` prints: fragments, Markdown, or code of results and of terms."""

from collections.abc import Callable

from sympy import Expr
from sympy.core.relational import Relational

from steptime.derivations.library import derivations, find
from steptime.derivations.printed.code import c_code, javascript_code, python_code
from steptime.derivations.printed.export import fragment
from steptime.derivations.printed.markdown import markdown
from steptime.derivations.region import conditions
from steptime.derivations.steps import Derivation
from steptime.model.errors import NotVerified, UserError, unknown
from steptime.model.quantity import latex
from steptime.model.step.case import RESOURCES
from steptime.model.text.derivations import verified

CODE: dict[str, Callable[[str, Expr, str, tuple[Relational, ...]], str]] = {
    "python": python_code, "c": c_code, "js": javascript_code,
}  # fmt: skip


def exported(
    names: tuple[str, ...], everything: bool, form: str, progress: Callable[[float], None] = lambda share: None
) -> str:
    """The text; raises UserError for unknown names, NotVerified where a derivation in it is not verified."""
    if everything == bool(names):
        raise UserError("name derivations or terms, or give `everything`")
    chosen = derivations() if everything else tuple(find(name) for name in names if name not in RESOURCES)
    failure = next((why for why in verified(chosen, progress).values() if why is not None), None)
    if failure is not None:
        raise NotVerified(failure)
    asked = [one.name for one in chosen] if everything else names
    by_name = {one.name: one for one in chosen}
    return "\n".join(_one(name, by_name.get(name), form) for name in asked)


def _one(name: str, one: Derivation | None, form: str) -> str:
    if form in CODE:
        expr, meaning = (
            (RESOURCES[name], f"the {name} term of a decode step") if one is None else (one.result.rhs, one.title)
        )
        return CODE[form](name, expr, meaning, () if one is None else conditions(one))
    if one is not None:
        return fragment(one) if form == "latex" else markdown(one)
    if name not in RESOURCES:
        raise unknown("formula", name, list(RESOURCES))
    shown = f"t_\\mathrm{{{name.replace('_', ' ')}}} = {latex(RESOURCES[name])}"
    return f"\\[ {shown} \\]\n" if form == "latex" else f"$${shown}$$\n"
