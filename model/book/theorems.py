"""A theorem as the book sets it: statement, why it is so, proof, the case with numbers, what breaks it, the command."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sympy import Add, Ge, Symbol

from steptime.derivations.printed.statement import holds
from steptime.derivations.rules import Substitute
from steptime.derivations.steps import Derivation
from steptime.model.book.lines import line
from steptime.model.book.measured import measured
from steptime.model.book.premises import assumed, letters
from steptime.model.book.prose import code, indexed, label, prose, reference
from steptime.model.book.told import Theorem
from steptime.model.book.works import cited
from steptime.model.quantity import declared_as, latex

from steptime.derivations.printed.export import (  # isort: skip
    escape, figure, left_out_said, region_said, symbols_of, unit_latex,
)  # fmt: skip

CLOSE = 1e-9
"""Numbers of two examples no further apart than this are the same."""


@dataclass(frozen=True)
class Setting:
    """What a chapter's theorems have in common: numbers of all of their examples, and which theorems the book tells."""

    numbers: Mapping[Symbol, float]
    told: frozenset[str]


def common_numbers(told: Sequence[Derivation], lemmas: Sequence[Derivation] = ()) -> Mapping[Symbol, float]:
    """The number of each quantity that all examples have of which one says it; of what no theorem shows, of lemmas.

    Examples that do not say it count as well: else one machine's FLOP/s would stand above another's bandwidth.
    """
    shown = letters(told)
    others = {symbol: number for symbol, number in _alike(lemmas).items() if symbol not in shown}
    return others | _alike(told)


def _alike(chosen: Sequence[Derivation]) -> dict[Symbol, float]:
    found: dict[Symbol, float] = {}
    for symbol in {symbol for one in chosen for symbol in put_in(one)}:
        first, *others = (float(one.numbers[symbol]) for one in chosen if symbol in one.numbers)
        if all(_same(first, other) for other in others):
            found[symbol] = first
    return found


def put_in(one: Derivation) -> list[Symbol]:
    """Quantities whose numbers an example says: those of the result, and those of its conditions that it has."""
    inside = set().union(*(condition.free_symbols for condition in holds(one)))
    result = symbols_of(one)
    return result + sorted((s for s in inside - set(result) - {one.result.lhs} if s in one.numbers), key=str)


def theorem(one: Derivation, told: Theorem, setting: Setting) -> str:
    """A theorem that carries the argument, with all that is told about it."""
    parts = [_statement("theorem", one), prose(told.why), _proof(one), _case(one, setting), *_told(told, one)]
    return "\n\n".join(parts)


def lemma(one: Derivation, setting: Setting, told: Theorem | None = None) -> str:
    """A lemma or variant, in small print; ``told`` where there is more to say about it."""
    why = escape(one.claim) if told is None else prose(told.why)
    source = [rf"\told{{Source}} {cited(one.sources)}."]
    parts = [r"\begingroup\footnotesize", _statement("lemma", one), why, _proof(one), _case(one, setting),
             *(source if told is None else _told(told, one)), r"\par\endgroup"]  # fmt: skip
    return "\n\n".join(parts)


def _told(told: Theorem, one: Derivation) -> list[str]:
    """What breaks it, what was measured, how to see it, and who says it."""
    return [
        rf"\told{{What breaks it}} {prose(told.breaks)}",
        *([rf"\told{{Measured}} {measured(told.measured)}"] if told.measured else []),
        rf"\told{{See it}} {{\raggedright {code(told.command)}\par}}",
        rf"\told{{Source}} {cited(one.sources)}.",
    ]


def _statement(kind: str, one: Derivation) -> str:
    """If, and if, then: with a number, a label, and a line in the contents and in the index."""
    title = escape(one.title)
    names = sorted({str(symbol.name).replace("_", " ") for symbol in one.result.lhs.free_symbols})
    index = "".join(rf"\index{{{indexed(name)}}}" for name in names)
    lines = [
        r"\keep{8}",
        rf"\begin{{{kind}}}[{title}]\label{{{label(one.name)}}}{index}%",
        rf"\listed{{{kind}}}{{{title}}}",
        *assumed(one),
        *region_said(one, _fitted),
        r"\emph{then}" if assumed(one) or holds(one) else "",
        rf"\numbered{{{one.name}}}{{{line(one, len(one.steps))}}}",
        _sign(one),
        rf"\end{{{kind}}}",
    ]
    return "\n".join(each for each in lines if each)


def _sign(one: Derivation) -> str:
    """That a difference is not below nought, where its declared range says so: its lines were checked for that, too."""
    lhs, first = one.result.lhs, one.lines[0]
    record = declared_as(lhs) if isinstance(lhs, Symbol) else None
    difference = isinstance(first.rhs, Add) and any(each.could_extract_minus_sign() for each in first.rhs.args)
    if record is None or record.sane[0] != 0 or first.lhs != lhs or not difference:
        return ""
    return rf"\emph{{and}} ${latex(Ge(lhs, 0, evaluate=False))}$."


def _proof(one: Derivation) -> str:
    """Every line with its reason, and the theorems that it takes."""
    lines = [r"\told{Proof}\nopagebreak", _line(line(one, 0), _taken([one.start]) or "by definition")]
    for number, step in enumerate(one.steps, 1):
        by = _taken(step.rule.facts) if isinstance(step.rule, Substitute) else ""
        reason = f"{escape(step.why)}{f' ({by})' if by else ''}{left_out_said(one, number)}"
        lines.append(_line(line(one, number), reason + r"\qed" * (number == len(one.steps))))
    return "\n".join(lines)


def _line(formula: str, reason: str) -> str:
    return rf"\proofline{{{formula}}}{{{reason}}}"


def _taken(facts: Iterable[object]) -> str:
    """References to the theorems among some facts."""
    return ", ".join(reference(fact.name) for fact in facts if isinstance(fact, Derivation))


def _case(one: Derivation, setting: Setting) -> str:
    """The number that follows, and what differs from the numbers of the chapter."""
    known = setting.numbers
    own = [s for s in put_in(one) if s not in known or not _same(float(one.numbers[s]), known[s])]
    shown = ", ".join(f"${latex(s)} = {figure(float(one.numbers[s]))}{unit_latex(s)}$" for s in own)
    said = f": {shown}" if shown else ""
    found = rf"{latex(one.result.lhs)} = {figure(one.evaluate())}{unit_latex(one.result.rhs)}"
    return rf"\told{{With numbers}} {escape(one.example_text)}{said}. {_fitted(found)}"


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * max(abs(one), abs(other))


def _fitted(formula: str) -> str:
    return rf"\fit{{{formula}}}"
