"""What a theorem assumes, as the book says it: what many assume by its number, everything else in words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sympy import Basic, Symbol

from steptime.derivations.facts import Axiom, Given, Side
from steptime.derivations.library import derivations
from steptime.derivations.printed.export import escape, said
from steptime.derivations.printed.statement import assumptions, definitions, premise
from steptime.derivations.steps import Derivation
from steptime.model.book.prose import reference

MANY = 4
"""Theorems from which on an equation or inequality that they assume has a number, as every axiom has."""


@cache
def numbered() -> Mapping[Axiom | Given, int]:
    """Every axiom, and whatever else many theorems assume, and its number; the most used come first."""
    used: Counter[Axiom | Given] = Counter()
    for one in derivations():
        used.update(standing_of(one))
    kept = [assumption for assumption, times in used.most_common() if isinstance(assumption, Axiom) or times >= MANY]
    return {assumption: number for number, assumption in enumerate(kept, 1)}


def standing_of(one: Derivation) -> list[Axiom | Given]:
    """The axioms, equations and inequalities that a theorem rests on, each once."""
    plain = (_plain(assumption) for assumption in assumptions(one))
    return list(dict.fromkeys(each for each in plain if isinstance(each, Axiom | Given)))


def _plain(assumption: Any) -> Any:
    """An assumption of one side of a comparison without the side."""
    return assumption.assumption if isinstance(assumption, Side) else assumption


def axiom_name(number: int) -> str:
    """How an axiom is called."""
    return rf"\axiomname{{{number}}}"


def axiom_list(chosen: Iterable[Derivation]) -> str:
    """The numbered assumptions of some theorems, in words."""
    used = {assumption for one in chosen for assumption in standing_of(one)}
    lines = [rf"\item[{axiom_name(number)}] {in_words(each)}" for each, number in numbered().items() if each in used]
    if not lines:
        return ""
    return "\n".join([r"\begin{axioms}", *lines, r"\end{axioms}"])


def in_words(assumption: Axiom | Given) -> str:
    """A numbered assumption, with its formula where it is one."""
    return escape(assumption.text) if isinstance(assumption, Axiom) else said(premise(assumption))


def _in_words(assumption: Any) -> str:
    """An assumption; that of one side of a comparison with a link to where it is made."""
    if isinstance(assumption, Side):
        return f"{_in_words(assumption.assumption)} (in {reference(assumption.of)})"
    return said(premise(assumption))


def formulas(one: Derivation) -> Iterable[Basic]:
    """What stands in the words of a statement beside its lines: formulas of what is assumed and defined."""
    for each in (*map(premise, assumptions(one)), *definitions(one)):
        if each.formula is not None:
            yield each.formula
        yield from each.tends or ()


def letters(chosen: Iterable[Derivation]) -> set[Symbol]:
    """Every quantity in the lines, conditions, assumptions and definitions of some theorems."""
    found: set[Basic] = set()
    for one in chosen:
        for formula in (*one.lines, *one.region, *formulas(one)):
            found |= formula.free_symbols
    return {symbol for symbol in found if isinstance(symbol, Symbol)}


def assumed(one: Derivation) -> list[str]:
    """Sentences of what is assumed and what is defined."""
    known = numbered()
    numbers = sorted(known[each] for each in standing_of(one) if each in known)
    own = [each for each in assumptions(one) if _plain(each) not in known]
    others = list(dict.fromkeys(_in_words(each) for each in own if _plain(each) == each or _plain(each) not in own))
    defined = [said(each) for each in definitions(one)]
    clauses = [*([", ".join(map(axiom_name, numbers)) + (" hold" if numbers[1:] else " holds")] if numbers else []),
               *others]  # fmt: skip
    return [
        *([rf"\emph{{If}} {'; '.join(clauses)};"] if clauses else []),
        *([rf"\emph{{with}} {'; '.join(defined)};"] if defined else []),
    ]
