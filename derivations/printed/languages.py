"""A program as a function in Python, C or JavaScript, in SymPy's own printers; whole numbers are found though floats
lie a rounding beside them, as `model.numeric` finds them."""

from collections.abc import Callable, Mapping, Sequence

from sympy import Expr, Symbol
from sympy.printing.c import C99CodePrinter
from sympy.printing.jscode import JavascriptCodePrinter
from sympy.printing.pycode import PythonCodePrinter

from steptime.derivations.printed import gamma, lambert
from steptime.derivations.printed.program import Program, identifier
from steptime.model.lambert import by_heights
from steptime.model.numeric import ROUNDING
from steptime.model.quantity import declared

Numbers = Mapping[str, float | None]
"""A number for each input, None where there is none, which becomes NaN."""


class _Whole:
    """Ceilings and floors by the names of the two functions that each file begins with."""

    _print: Callable[[Expr], str]
    """SymPy's own."""

    def _print_ceiling(self, expr: Expr) -> str:
        return f"ceiling({self._print(expr.args[0])})"

    def _print_floor(self, expr: Expr) -> str:
        return f"whole({self._print(expr.args[0])})"


class _Python(_Whole, PythonCodePrinter):  # type: ignore[misc]  # SymPy has no types
    """Python."""


class _JavaScript(_Whole, JavascriptCodePrinter):  # type: ignore[misc]
    """JavaScript."""


class _C(_Whole, C99CodePrinter):  # type: ignore[misc]
    """C, every number a double: what is large is no int."""

    def _print_Integer(self, expr: Expr) -> str:  # noqa: N802  # SymPy finds it by this name
        return f"{expr.p}.0"


PYTHON_HEAD = f"""import math


def ceiling(value):
    return math.ceil(value - {ROUNDING} * abs(value))


def whole(value):
    return math.floor(value + {ROUNDING} * abs(value))
"""
JAVASCRIPT_HEAD = f"""const ceiling = (value) => Math.ceil(value - {ROUNDING} * Math.abs(value));
const whole = (value) => Math.floor(value + {ROUNDING} * Math.abs(value));
"""
C_HEAD = f"""#include <math.h>

static double ceiling(double value) {{ return ceil(value - {ROUNDING} * fabs(value)); }}
static double whole(double value) {{ return floor(value + {ROUNDING} * fabs(value)); }}
"""


def javascript(expr: Expr) -> str:
    """An expression in JavaScript.

    >>> import sympy
    >>> from steptime.model.symbols import batch, chips
    >>> javascript(sympy.Max(1, sympy.ceiling(batch / chips), evaluate=False))
    'Math.max(1, ceiling(batch/chips))'
    """
    return str(_JavaScript({"user_functions": lambert.NAMED | gamma.NAMED}).doprint(by_heights(expr)))


def javascript_function(name: str, one: Program, given: Numbers | None = None) -> str:
    """A function of one object with a number for each input; ``given`` are those of its own, for what is left out."""
    listed = ", ".join(s.name if given is None else f"{s.name} = {_number(given, s, 'NaN')}" for s in one.inputs)
    lines = [f"function {identifier(name)}({{{listed}}}{'' if given is None else ' = {}'}) {{"]
    lines += [f"  const {symbol} = {javascript(expr)};" for symbol, expr in one.lines]
    results = ", ".join(f"{key}: {javascript(expr)}" for key, expr in one.outputs.items())
    return "\n".join([*lines, f"  return {{{results}}};", "}"]) + "\n"


def javascript_curve(name: str, one: Program, over: Sequence[str]) -> str:
    """A function of one object with a number for each input, which gives a function of the inputs ``over``: what does
    not depend on these is worked out once."""
    varying, inner = one.varying(over), ", ".join(over)
    listed = ", ".join(symbol.name for symbol in one.inputs if symbol.name not in over)
    fixed = [f"  const {symbol} = {javascript(expr)};" for symbol, expr in one.lines if symbol not in varying]
    moved = [f"    const {symbol} = {javascript(expr)};" for symbol, expr in one.lines if symbol in varying]
    results = ", ".join(f"{key}: {javascript(expr)}" for key, expr in one.outputs.items())
    head, back = f"function {identifier(name)}({{{listed}}}) {{", f"  return ({inner}) => {{"
    return "\n".join([head, *fixed, back, *moved, f"    return {{{results}}};", "  };", "}"]) + "\n"


def python_program(name: str, one: Program, given: Numbers, meaning: str) -> str:
    """A Python function whose arguments are the inputs, each with its number; it returns a dictionary."""
    write = _Python({"fully_qualified_modules": True, "user_functions": lambert.NAMED}).doprint
    arguments = [f"    {s.name}={_number(given, s, 'math.nan')},{_said(s, '  # ')}" for s in one.inputs]
    lines = [f"    {symbol} = {write(expr)}{_said(symbol, '  # ')}" for symbol, expr in one.lines]
    results = [f'        "{key}": {write(expr)},' for key, expr in one.outputs.items()]
    return "\n".join([
        f"{PYTHON_HEAD}\n", *_helper(one, lambert.PYTHON),
        f"def {identifier(name)}(", *arguments, "):", f'    """{_safe(meaning)}"""', *lines,
        "    return {", *results, "    }\n",
    ])  # fmt: skip


def javascript_program(name: str, one: Program, given: Numbers, meaning: str) -> str:
    """A JavaScript function whose arguments are the inputs, each with its number; it returns an object."""
    meanings = "".join(f" * {s.name}{_said(s, ': ')}\n" for s in one.inputs)
    helper = "".join(_helper(one, lambert.JAVASCRIPT))
    return f"{JAVASCRIPT_HEAD}{helper}\n/* {_safe(meaning)}\n{meanings} */\n{javascript_function(name, one, given)}"


def c_program(name: str, one: Program, given: Numbers, meaning: str) -> str:
    """A C function of a structure of the inputs, whose numbers stand in a constant; it returns another structure."""
    write, called = _C({"user_functions": lambert.NAMED}).doprint, identifier(name)
    inputs = [f"    double {s.name};{_comment(s)}" for s in one.inputs]
    numbers = [f"    .{s.name} = {_number(given, s, 'NAN')}," for s in one.inputs]
    known = [f"    const double {s.name} = given.{s.name};" for s in one.inputs]
    lines = [f"    const double {symbol} = {write(expr)};{_comment(symbol)}" for symbol, expr in one.lines]
    results = [f"        .{key} = {write(expr)}," for key, expr in one.outputs.items()]
    return "\n".join([
        C_HEAD, *_helper(one, lambert.C), f"/* {_safe(meaning)} */",
        f"struct {called}_inputs {{", *inputs, "};", f"struct {called}_results {{",
        *(f"    double {key};" for key in one.outputs), "};", "",
        f"static const struct {called}_inputs {called}_given = {{", *numbers, "};", "",
        f"struct {called}_results {called}(struct {called}_inputs given) {{", *known, *lines,
        f"    return (struct {called}_results){{", *results, "    };", "}\n",
    ])  # fmt: skip


PROGRAMS: Mapping[str, Callable[[str, Program, Numbers, str], str]] = {
    "python": python_program, "c": c_program, "js": javascript_program,
}  # fmt: skip


def _helper(one: Program, language: tuple[str, str]) -> list[str]:
    """Lambert's function, where a program has it."""
    text = lambert.helper((*(expr for _, expr in one.lines), *one.outputs.values()), language)
    return [text] if text else []


def _number(given: Numbers, symbol: Symbol, unknown: str) -> str:
    value = given.get(symbol.name)
    return unknown if value is None or value != value else repr(float(value))


def _said(symbol: Symbol, before: str) -> str:
    """What a quantity means, and its unit."""
    record = declared().get(symbol.name)
    return "" if record is None else f"{before}{record.meaning} [{record.unit}]"


def _comment(symbol: Symbol) -> str:
    said = _said(symbol, "")
    return f" /* {said} */" if said else ""


def _safe(meaning: str) -> str:
    """A text that ends no comment and no string."""
    return "".join(letter for letter in meaning if letter.isprintable() and letter not in '\\*"')
