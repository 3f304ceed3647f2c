"""A theorem in Markdown with LaTeX formulas."""

from collections.abc import Callable

from steptime.derivations.library import used_by
from steptime.derivations.printed.export import figure, line_latex, symbols_of, unit_latex
from steptime.derivations.printed.statement import Premise, definitions, holds, left_out, premises
from steptime.derivations.steps import Derivation
from steptime.model.quantity import latex


def markdown(one: Derivation, named: Callable[[str], str] = "`{}`".format) -> str:
    """Statement, every line of the proof with its reason, numbers put in, sources; ``named`` writes, or links to, the
    name of another theorem."""
    lines = [f"## {one.title}", "", f"{', '.join(one.rows)} `{one.name}`: {one.claim}", ""]
    if assumed := [_said(premise) for premise in premises(one)]:
        lines += ["If", "", *(f"- {text}" for text in assumed), ""]
    if defined := [_said(premise) for premise in definitions(one)]:
        lines += ["with", "", *(f"- {text}" for text in defined), ""]
    if region := [f"- ${latex(relation)}$" for relation in holds(one)]:
        lines += ["and if", "", *region, ""]
    lines += ["then", "", f"$${line_latex(one, len(one.steps))}$$", "", "Proof.", "", f"$${line_latex(one, 0)}$$", ""]
    for number, step in enumerate(one.steps, 1):
        gone = left_out(one, number)
        noted = "" if gone is None else f" ({100 * gone:.2g} % of the rest at the example)"
        lines += [f"{step.why}{noted}:", "", f"$${line_latex(one, number)}$$", ""]
    numbers = ", ".join(f"${latex(s)} = {figure(float(one.numbers[s]))}{unit_latex(s)}$" for s in symbols_of(one))
    lines += [f"Numbers ({one.example_text}): {numbers}.", ""]
    lines += [f"$${latex(one.result.lhs)} = {figure(one.evaluate())}{unit_latex(one.result.rhs)}$$", ""]
    followers = ", ".join(named(other.name) for other in used_by(one))
    lines += [f"Source: {'; '.join(one.sources)}." + (f" Used by {followers}." if followers else "")]
    return "\n".join(lines) + "\n"


def _said(premise: Premise) -> str:
    if premise.tends is not None:
        variable, to = premise.tends
        return f"{premise.text} (${latex(variable)} \\to {latex(to)}$)"
    return premise.text + (f" (${latex(premise.formula)}$)" if premise.formula is not None else "")
