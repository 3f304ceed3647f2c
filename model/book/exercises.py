"""Exercises and their answers: each number of an answer is a formula of the library, solved by the program."""

from collections.abc import Sequence

from steptime.derivations.inverse import find_formula
from steptime.derivations.library import find
from steptime.derivations.printed.export import escape, figure
from steptime.model.api.derivation import solve_for
from steptime.model.book.prose import prose
from steptime.model.book.told import Ask, Chapter, Exercise
from steptime.model.errors import UserError
from steptime.model.quantity import count, dollar, lookup, second
from steptime.model.text.cache_table import duration
from steptime.model.text.format import in_unit, money

DIGITS = 3
LARGE, LONG = 1e9, 600.0
"""Counts from which on powers of ten are written, and seconds that are said in longer units."""


def exercises(chapter: Chapter) -> str:
    """The questions of a chapter."""
    parts = [r"\section*{Exercises}", rf"\addcontentsline{{toc}}{{section}}{{Exercises of chapter {chapter.number}}}"]
    for place, one in enumerate(chapter.exercises, 1):
        name = _label(chapter, place)
        parts.append(rf"\begin{{exercise}}\label{{{name}}} {prose(one.question)}\end{{exercise}}")
    return "\n".join(parts)


def answers(chapter: Chapter) -> str:
    """The answers of a chapter, computed."""
    parts = [rf"\section*{{Answers of chapter {chapter.number}}}"]
    for place, one in enumerate(chapter.exercises, 1):
        parts.append(rf"\textbf{{\autoref{{{_label(chapter, place)}}}.}} {answer(one)}")
    return "\n\n".join(parts)


def _label(chapter: Chapter, place: int) -> str:
    return f"ex:{chapter.number}-{place}"


def answer(one: Exercise) -> str:
    """An answer as LaTeX, its numbers put in."""
    text = prose(one.answer)
    for place, ask in enumerate(one.ask, 1):
        slot = escape(f"<{place}>")
        if slot not in text:
            raise UserError(f"an answer has no place for its number {place}: {one.answer[:60]}")
        text = text.replace(slot, said(ask))
    return text


def said(ask: Ask) -> str:
    """A computed number with its unit, as LaTeX."""
    value, unit = computed(ask), lookup(ask.solve).unit
    if unit == count and value >= LARGE:
        return f"${figure(float(f'{value:.{DIGITS}g}'))}$"
    if unit == second and value >= LONG:
        return escape(duration(value))
    text = money(value) if unit == dollar else in_unit(value, unit, DIGITS)
    return f"${figure(float(f'{value:.{DIGITS}g}'))}$ {escape(str(unit))}" if "e+" in text else escape(text)


def computed(ask: Ask) -> float:
    """The number: the least positive solution; quantities that are not given are the example's of the theorem."""
    find_formula(ask.formula)  # opens the library, whose chapters declare quantities of their own
    proof = find(ask.formula)
    example = {symbol.name: float(value) for symbol, value in proof.numbers.items()
               if symbol in proof.result.free_symbols and symbol.name != ask.solve}  # fmt: skip
    left = proof.result.lhs
    if left.is_Symbol and left.name != ask.solve and left.name not in ask.given:
        example[left.name] = proof.evaluate()
    found: Sequence[float] = solve_for(ask.solve, ask.formula, **{**example, **ask.given}).values
    if not found:
        raise UserError(f"{ask.formula} has no solution for {ask.solve} at {dict(ask.given)}")
    return found[0]
