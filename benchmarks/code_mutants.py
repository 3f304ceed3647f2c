"""Semantic mutants of Python code: one operator, comparison, extreme, number, factor or condition changed at a time.

Texts stay: docstrings, strings, messages of errors, annotations and decorators are not mutated. Used by `mutation.py`.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

SWAPPED: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip

EXTREMES = {
    one: other
    for pair in (("min", "max"), ("Min", "Max"), ("minimum", "maximum"), ("argmin", "argmax"), ("floor", "ceil"),
                 ("floor", "ceiling"), ("at_least", "at_most"), ("any", "all"))
    for one, other in (pair, pair[::-1])
}  # fmt: skip

TOLERANCE = 1e-5
"""Numbers below it are tolerances: twice as much means nothing, a million times as much does."""

Change = tuple[ast.expr, str]
"""What stands there instead, and the kind of the change."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the bytes from ``start`` to ``end`` replaced."""

    path: str
    line: int
    last_line: int
    start: int
    end: int
    kind: str
    was: str
    becomes: str

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.becomes.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.kind}: {self.was}  ->  {self.becomes}"


def drawn(root: Path, folder: str, number: int, seed: int) -> list[Mutant]:
    """So many mutants of a folder's files, each of all possible ones with the same chance; always the same by seed."""
    every = [one for path in sorted((root / folder).rglob("*.py")) for one in mutants(root, path)]
    return Random(seed).sample(every, min(number, len(every)))


def mutants(root: Path, path: Path) -> list[Mutant]:
    """Every mutant of a file, in the order of its text."""
    source = path.read_bytes()
    begins = [0]
    for line in source.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))
    found = []
    for node in expressions(ast.parse(source)):
        start = begins[node.lineno - 1] + node.col_offset
        end = begins[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        for changed, kind in changes(node):
            found.append(
                Mutant(
                    path.relative_to(root).as_posix(), node.lineno, node.end_lineno or node.lineno, start, end, kind,
                    ast.unparse(node), f"({ast.unparse(changed)})" if not isinstance(node, ast.Name) else
                    ast.unparse(changed),
                )
            )  # fmt: skip
    return found


def expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions that are computed: no texts, no messages, no annotations, no decorators, nothing imported."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert) or _makes_error(node):
        return
    if isinstance(node, ast.expr):
        yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "bases"):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.AST):
                yield from expressions(one)


def _makes_error(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return "rror" in (getattr(called, "id", "") or getattr(called, "attr", ""))


def changes(node: ast.expr) -> Iterator[Change]:
    """What may stand in an expression's place."""
    match node:
        case ast.BinOp(left, op, right) if not _written(left) and not _written(right):
            for other in SWAPPED.get(type(op), ()):
                yield ast.BinOp(left, other(), right), "operator"
            if isinstance(op, ast.Mult | ast.Add):
                yield right, "dropped"
            if isinstance(op, ast.Mult | ast.Div | ast.Add | ast.Sub | ast.Pow):
                yield left, "dropped"
        case ast.UnaryOp(ast.USub(), operand) if not isinstance(operand, ast.Constant):
            yield operand, "sign"
        case ast.UnaryOp(ast.Not(), operand):
            yield operand, "condition"
        case ast.Compare(left, [op], [right]):
            for other in SWAPPED[type(op)]:
                yield ast.Compare(left, [other()], [right]), "comparison"
        case ast.BoolOp(op, values):
            yield ast.BoolOp(SWAPPED[type(op)][0](), values), "condition"
            yield ast.BoolOp(op, values[:-1]) if len(values) > 2 else values[0], "dropped"
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse), "condition"
        case ast.Name(id, ast.Load()) if id in EXTREMES:
            yield ast.Name(EXTREMES[id]), "extreme"
        case ast.Attribute(value, attr, ast.Load()) if attr in EXTREMES:
            yield ast.Attribute(value, EXTREMES[attr]), "extreme"
        case ast.Constant(bool(value)):
            yield ast.Constant(not value), "condition"
        case ast.Constant(int(value)):
            yield ast.Constant(value + 1), "off by one"
            if value > 0:
                yield ast.Constant(value - 1), "off by one"
        case ast.Constant(float(value)):
            yield ast.Constant(value * (1e6 if 0 < value < TOLERANCE else 2.0) if value else 1.0), "constant"
        case _:
            pass


def _written(node: ast.expr) -> bool:
    """Whether an operand is a text or a display, of which + and * make no arithmetic."""
    texts = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return texts or isinstance(node, ast.JoinedStr | ast.Tuple | ast.List)
