"""Many formulas as one program: what is given, lines in an order in which each is known, and what comes out.

Definitions keep their names, so that a line reads as the formula that it is; what several lines have in common is a
line of its own (SymPy's common subexpressions).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

import sympy
from sympy import Expr, Symbol

from steptime.model.lambert import by_heights
from steptime.model.scenario import symbols_in

SHARED = "x"
"""What the name of a line begins with that has no name in the field."""
STANDING = {sympy.Max: sympy.Function("most"), sympy.Min: sympy.Function("least")}
MEANT = {stand: meant for meant, stand in STANDING.items()}


@dataclass(frozen=True)
class Program:
    """Assignments: every line is of ``inputs`` and of earlier lines, every output of both."""

    inputs: tuple[Symbol, ...]
    lines: tuple[tuple[Symbol, Expr], ...]
    outputs: Mapping[str, Expr]

    def varying(self, over: Iterable[str]) -> frozenset[Symbol]:
        """The lines that some inputs reach: the others are the same whatever these are."""
        found = {symbol for symbol in self.inputs if symbol.name in set(over)}
        for symbol, expr in self.lines:
            if not found.isdisjoint(symbols_in(expr)):
                found.add(symbol)
        return frozenset(found)


def program(outputs: Mapping[str, Expr], definitions: Mapping[Symbol, Expr]) -> Program:
    """The program of some outputs, where some symbols are defined in terms of others.

    >>> from steptime.model.symbols import batch, micro_batch, replicas
    >>> one = program({"twice": 2 * micro_batch}, {micro_batch: batch / replicas})
    >>> one.inputs, one.lines, one.outputs
    ((batch, replicas), ((micro_batch, batch/replicas),), {'twice': 2*micro_batch})
    """
    reached = _reached(outputs.values(), definitions)
    named = {symbol: Symbol(identifier(symbol.name), positive=True) for symbol in reached}
    if len(set(named.values())) < len(named):
        raise ValueError("two quantities of a program have one name")
    ours = [symbol for symbol in reached if symbol in definitions]
    known: dict[Expr, Expr] = dict(named)
    texts = [_apart(by_heights(expr), known) for expr in (*(definitions[symbol] for symbol in ours), *outputs.values())]
    taken = {symbol.name for symbol in named.values()}
    fresh = (symbol for symbol in sympy.numbered_symbols(SHARED, start=1) if symbol.name not in taken)
    shared, reduced = sympy.cse(texts, symbols=fresh, order="none")
    reduced, shared = [_back(expr) for expr in reduced], [(symbol, _back(expr)) for symbol, expr in shared]
    lines = {**dict(shared), **{named[symbol]: text for symbol, text in zip(ours, reduced, strict=False)}}
    order = TopologicalSorter({symbol: symbols_in(expr) & lines.keys() for symbol, expr in lines.items()})
    inputs = sorted((named[symbol] for symbol in reached if symbol not in definitions), key=lambda s: s.name)
    results = dict(zip(outputs, reduced[len(ours) :], strict=True))
    return Program(tuple(inputs), tuple((symbol, lines[symbol]) for symbol in order.static_order()), results)


def _apart(expr: Expr, known: dict[Expr, Expr]) -> Expr:
    """An expression whose maxima and minima are functions without a meaning: SymPy, which makes every part anew, would
    compare what stands in each for most of the time. ``known`` are parts that stand already."""
    if expr not in known:
        parts = [_apart(part, known) for part in expr.args]
        known[expr] = STANDING[expr.func](*parts) if expr.func in STANDING else expr.func(*parts) if parts else expr
    return known[expr]


def _back(expr: Expr) -> Expr:
    """The same with maxima and minima, as they stood."""
    parts = [_back(part) for part in expr.args]
    if expr.func in MEANT:
        return MEANT[expr.func](*parts, evaluate=False)
    same = all(part is before for part, before in zip(parts, expr.args, strict=True))
    return expr if same else expr.func(*parts)


def _reached(outputs: Iterable[Expr], definitions: Mapping[Symbol, Expr]) -> list[Symbol]:
    """Every symbol that leads to the outputs, by name."""
    found, left = set[Symbol](), [symbol for expr in outputs for symbol in symbols_in(expr)]
    while left:
        symbol = left.pop()
        if symbol not in found:
            found.add(symbol)
            left += symbols_in(definitions[symbol]) if symbol in definitions else ()
    return sorted(found, key=lambda symbol: symbol.name)


def identifier(name: str) -> str:
    """A name that is one in every language: a mark for elsewhere is written out.

    >>> identifier("step_time''"), identifier("ridge-batch")
    ('step_time_there_there', 'ridge_batch')
    """
    return re.sub(r"\W", "_", name.replace("'", "_there"))
