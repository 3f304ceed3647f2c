"""When is an optimum global? Two proofs, made on the expressions themselves; without one the answer is called local.

A *posynomial* is a sum of monomials with positive coefficients; a geometric program of posynomials is convex in
logarithms (Boyd, Kim, Vandenberghe and Hassibi 2007, doi 10.1007/s11081-007-9001-7). A function that is concave and not
negative at zero falls when divided by its argument: a cost per sequence of such times never rises with batch.
"""

import sympy
from sympy import Expr, Symbol


def is_posynomial(expr: Expr, variables: tuple[Symbol, ...]) -> bool:
    """Whether an expression is a sum of positive multiples of real powers of the variables.

    Other symbols are positive constants. Max of posynomials counts: it is a posynomial constraint for each argument.

    >>> from steptime.model.symbols import batch, context
    >>> is_posynomial(2 * batch**2 / context + context, (batch, context)), is_posynomial(1 - batch, (batch,))
    (True, False)
    """
    if isinstance(expr, sympy.Max):
        return all(is_posynomial(part, variables) for part in expr.args)
    return all(_is_monomial(term, variables) for term in sympy.Add.make_args(sympy.expand(expr)))


def _is_monomial(term: Expr, variables: tuple[Symbol, ...]) -> bool:
    constant, depending = term.as_independent(*variables, as_Add=False)
    if constant.is_zero:
        return True  # a sum of none
    if not constant.is_positive:
        return False
    for factor in sympy.Mul.make_args(depending):
        base, exponent = factor.as_base_exp()
        if factor != 1 and (base not in variables or not exponent.is_number):
            return False
    return True


def falls_per_unit(expr: Expr, variable: Symbol, least: float = 0.0) -> bool:
    """Whether ``expr`` never falls, and ``expr / variable`` never rises, from ``least`` on: each term is constant,
    proportional, or concave from zero.

    Recognised: non-negative constants, multiples of the variable, and c(1 - r^(s·variable)) with 0 < r < 1, which is
    how experts are touched; and c/variable, with what it is taken away from or added to large enough: (a - c/x)/x
    falls where a x >= 2 c, and b x + c/x rises where b x^2 >= c. Numbers must have been put in for the other symbols.

    >>> from steptime.model.symbols import batch
    >>> falls_per_unit(3 + 2 * batch + 5 * (1 - sympy.Rational(1, 2) ** batch), batch), falls_per_unit(batch**2, batch)
    (True, False)
    >>> falls_per_unit(3 + batch - 4 / batch, batch, least=2.0), falls_per_unit(3 + batch - 4 / batch, batch, least=3.0)
    (False, True)
    """
    if isinstance(expr, sympy.Max):
        return all(falls_per_unit(part, variable, least) for part in expr.args)
    whole = sympy.expand(expr)
    added = whole.coeff(variable, -1)
    rest = whole - added / variable
    if not _grows(rest, variable):
        return False
    constant, slope = rest.xreplace({variable: sympy.S.Zero}), rest.coeff(variable)
    return bool(constant >= 0 and constant * least >= -2 * added and slope * least**2 >= added)


def _grows(expr: Expr, variable: Symbol) -> bool:
    """Whether an expression is a constant plus a rising line plus falling exponentials taken away."""
    for term in sympy.Add.make_args(sympy.expand(expr)):
        constant, depending = term.as_independent(variable, as_Add=False)
        if depending == 1:
            continue
        if depending == variable:
            if not constant >= 0:
                return False
        elif not (constant <= 0 and _decays(depending, variable)):
            return False
    return True


def _decays(factor: Expr, variable: Symbol) -> bool:
    """Whether a factor is r^(s·variable) with 0 < r < 1 and s > 0, or written with 1/r and -s."""
    base, exponent = factor.as_base_exp()
    scale = exponent.coeff(variable)
    if exponent != scale * variable or not base.is_number:
        return False
    return bool((0 < base < 1 and scale.is_positive) or (base > 1 and scale.is_negative))


def slope_at_infinity(expr: Expr, variable: Symbol) -> Expr:
    """The limit of ``expr / variable`` as the variable grows, for expressions that ``falls_per_unit`` recognises."""
    return sympy.expand(expr).coeff(variable)
