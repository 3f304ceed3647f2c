"""A formula as a function in Python, C or JavaScript that refuses numbers for which it does not hold."""

from collections.abc import Iterable

import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations.printed import lambert
from steptime.derivations.printed.languages import JAVASCRIPT_HEAD, javascript
from steptime.derivations.printed.program import identifier
from steptime.derivations.readable import readable
from steptime.model.lambert import by_heights
from steptime.model.numeric import ROUNDING
from steptime.model.quantity import domains, lookup

C_GUARD = """#ifdef STEPTIME_ASSERT /* stop where a formula does not hold; else it gives NAN */
#include <assert.h>
#define STEPTIME_NEEDS(condition) assert(condition)
#else
#define STEPTIME_NEEDS(condition) if (!(condition)) return NAN
#endif
"""


def python_code(name: str, expr: Expr, meaning: str, conditions: Iterable[Relational] = ()) -> str:
    """A formula as a Python function of floats; it raises ValueError where a condition is not satisfied.

    >>> from steptime.model.symbols import peak_flops
    >>> print(python_code("twice", 2 * peak_flops, "twice the peak"))  # doctest: +ELLIPSIS
    import math
    <BLANKLINE>
    <BLANKLINE>
    def twice(peak_flops):
    ...
        if not peak_flops > 0:
            raise ValueError(f"peak_flops > 0 is not so: {peak_flops=}")
        return 2*peak_flops
    <BLANKLINE>
    """
    arguments = parameters(expr)
    checked, unchecked = sorted_out(expr, conditions)
    documented = "\n".join(f"    {s.name}: {lookup(s.name).meaning} [{lookup(s.name).unit}]" for s in arguments)
    also = "".join(f"\n    Holds where {readable(relation)}." for relation in unchecked)
    lines = [
        f"def {identifier(name)}({', '.join(s.name for s in arguments)}):",
        f'    """{meaning}\n\n{documented}{also}\n    """',
    ]
    for relation in checked:
        names = ", ".join(f"{{{s.name}=}}" for s in parameters(relation))
        lines += [
            f"    if not {python_relation(relation)}:",
            f'        raise ValueError(f"{readable(relation)} is not so: {names}")',
        ]
    helper = lambert.helper((expr, *checked), lambert.PYTHON)
    head = "import math\n\n\n" + (f"{helper}\n\n" if helper else "")
    return head + "\n".join([*lines, f"    return {python(expr)}"]) + "\n"


def python(expr: Expr) -> str:
    """An expression in Python."""
    return str(sympy.pycode(whole(expr), fully_qualified_modules=True, user_functions=lambert.NAMED))


def python_relation(relation: Relational) -> str:
    """An inequality in Python."""
    left, right = (python(part) for part in relation.args)
    return f"{left} {relation.rel_op} {right}"


def c_code(name: str, expr: Expr, meaning: str, conditions: Iterable[Relational] = ()) -> str:
    """A formula as a C function of doubles; it gives NAN where a condition is not satisfied, or stops there where
    STEPTIME_ASSERT is defined."""
    arguments = parameters(expr)
    checked, unchecked = sorted_out(expr, conditions)
    comment = "\n".join(f" * {s.name}: {lookup(s.name).meaning} [{lookup(s.name).unit}]" for s in arguments)
    also = "".join(f"\n * Holds where {readable(relation)}." for relation in unchecked)
    needs = "".join(f"    STEPTIME_NEEDS({c_relation(relation)});\n" for relation in checked)
    signature = f"double {identifier(name)}({', '.join(f'double {s.name}' for s in arguments)})"
    helper = lambert.helper((expr, *checked), lambert.C)
    head = f"#include <math.h>\n{helper}#ifndef STEPTIME_NEEDS\n{C_GUARD}#endif\n\n/* {meaning}\n{comment}{also}\n */\n"
    return f"{head}{signature} {{\n{needs}    return {c_expression(expr)};\n}}\n"


def c_expression(expr: Expr) -> str:
    """An expression in C."""
    return str(sympy.ccode(whole(expr), user_functions=lambert.NAMED))


def c_relation(relation: Relational) -> str:
    """An inequality in C."""
    left, right = (c_expression(part) for part in relation.args)
    return f"{left} {relation.rel_op} {right}"


def javascript_code(name: str, expr: Expr, meaning: str, conditions: Iterable[Relational] = ()) -> str:
    """A formula as a JavaScript function of numbers; it gives NaN where a condition is not satisfied.

    >>> from steptime.model.symbols import peak_flops
    >>> print(javascript_code("twice", 2 * peak_flops, "twice the peak").splitlines()[-3])
      if (!(peak_flops > 0)) return NaN;
    """
    arguments = parameters(expr)
    checked, unchecked = sorted_out(expr, conditions)
    comment = "".join(f" * {s.name}: {lookup(s.name).meaning} [{lookup(s.name).unit}]\n" for s in arguments)
    also = "".join(f" * Holds where {readable(relation)}.\n" for relation in unchecked)
    needs = "".join(f"  if (!({javascript_relation(relation)})) return NaN;\n" for relation in checked)
    helper = lambert.helper((expr, *checked), lambert.JAVASCRIPT)
    head = f"{JAVASCRIPT_HEAD}{helper}\n/* {meaning}\n{comment}{also} */\n"
    signature = f"function {identifier(name)}({', '.join(s.name for s in arguments)})"
    return f"{head}{signature} {{\n{needs}  return {javascript(expr)};\n}}\n"


def javascript_relation(relation: Relational) -> str:
    """An inequality in JavaScript."""
    left, right = (javascript(part) for part in relation.args)
    return f"{left} {relation.rel_op} {right}"


def whole(expr: Expr) -> Expr:
    """An expression whose whole numbers are found though floats lie a rounding beside them, as `model.numeric` finds
    them: a logarithm of 2**29 to the base of two is 29.

    >>> from steptime.model.symbols import chips
    >>> whole(sympy.ceiling(chips / 3))
    ceiling(0.333333333333*chips)
    """
    less = {part: part.func(part.args[0] - ROUNDING * sympy.Abs(part.args[0])) for part in expr.atoms(sympy.ceiling)}
    more = {part: part.func(part.args[0] + ROUNDING * sympy.Abs(part.args[0])) for part in expr.atoms(sympy.floor)}
    return by_heights(expr.xreplace({**less, **more}))


def sorted_out(expr: Expr, conditions: Iterable[Relational]) -> tuple[list[Relational], list[Relational]]:
    """The ranges of a formula's quantities and the conditions that speak of nothing else; and the other ones."""
    stated = list(conditions)
    there = [relation for relation in stated if relation.free_symbols <= expr.free_symbols]
    elsewhere = [relation for relation in stated if relation not in there]
    return [*domains(expr.free_symbols), *there], elsewhere


def parameters(expr: Expr | Relational) -> list[Symbol]:
    """The quantities of an expression, by name."""
    return sorted(expr.free_symbols, key=lambda symbol: symbol.name)
