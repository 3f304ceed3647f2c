"""Whether an inequality follows from others, by an exact certificate; what is undecided counts as no.

An expression is brought to one fraction and factored. A polynomial of quantities that are none of them negative is
positive where no coefficient is negative and one is positive; else a combination of known inequalities is sought,
f = sum of products of non-negative numbers, monomials and known positive polynomials, plus a rest without a negative
coefficient (Positivstellensatz, by a linear program), and checked in rational numbers. What is no polynomial (a power
with a variable exponent, a logarithm, a rounded number, the larger of two) is a quantity of its own, with what is known
of it: so the certificate needs no calculus.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement

import sympy
from sympy import Dummy, Expr, Poly, Rational, Symbol
from sympy.core.relational import Ge, Gt, Le, Lt, Ne, Relational

from steptime.model.quantity import declared_as, domains

Known = tuple[Expr, bool]
"""An expression that is not negative, and whether it is positive."""


def implied(goal: Relational, facts: Iterable[Relational]) -> bool:
    """Whether an inequality is shown to follow from others and from the ranges of the quantities.

    >>> from steptime.model.symbols import active_parameters, parameters, pipeline_parallel
    >>> implied(Ge(parameters * pipeline_parallel, active_parameters, evaluate=False), ())
    True
    >>> implied(Gt(pipeline_parallel, 1), ())
    False
    """
    return _implied(goal, tuple(facts))


@cache
def _implied(goal: Relational, facts: tuple[Relational, ...]) -> bool:
    facts = (*facts, *domains(goal.free_symbols.union(*(fact.free_symbols for fact in facts))))
    known = [part for fact in facts for part in above_zero(fact)]
    known += [part for fact in facts for part in _below(fact, known)]
    known += [part for fact in facts if isinstance(fact, Ne) for part in _not_zero(fact, known)]
    signs = _Signs(known, (goal.lhs, goal.rhs))
    if isinstance(goal, Ne):
        return signs.never_zero(goal.lhs - goal.rhs)
    return all(signs.of(expr) in (("+",) if strict else ("+", "0+", "0")) for expr, strict in above_zero(goal))


def _below(fact: Relational, known: list[Known]) -> list[Known]:
    """The denominator of a positive number over it that is no less than a positive number is positive."""
    if not isinstance(fact, Gt | Ge | Lt | Le):
        return []
    large, small = fact.args if isinstance(fact, Gt | Ge) else fact.args[::-1]
    numerator, denominator = sympy.fraction(sympy.together(large))
    if not denominator.free_symbols or (not small.is_number and small.has(denominator)):
        return []
    signs = _Signs(list(known), (numerator, small))
    above = signs.of(small)
    least = ("+",) if isinstance(fact, Ge | Le) else ("+", "0+", "0")
    return [(denominator, True)] if above in least and signs.of(numerator) in ("+", "0+") else []


def _not_zero(fact: Ne, known: list[Known]) -> list[Known]:
    """What is not zero is positive where it is not negative; so is each of its factors."""
    difference = fact.lhs - fact.rhs
    parts = [difference, *(part for part, _ in sympy.factor_list(sympy.fraction(sympy.together(difference))[0])[1])]
    signs = _Signs(list(known), tuple(parts))
    found = [(part, signs.of(part)) for part in parts]
    return [(part if lies == "0+" else -part, True) for part, lies in found if lies in ("0+", "0-")]


def above_zero(relation: Relational) -> tuple[Known, ...]:
    """An inequality as expressions that are positive, or not negative; an equation is two of the latter."""
    difference = relation.lhs - relation.rhs
    if isinstance(relation, Gt | Ge):
        return ((difference, isinstance(relation, Gt)),)
    if isinstance(relation, Lt | Le):
        return ((-difference, isinstance(relation, Lt)),)
    return () if isinstance(relation, Ne) else ((difference, False), (-difference, False))


def sign(expr: Expr, facts: Iterable[Relational] = ()) -> str | None:
    """``+``, ``0+`` (not negative), ``0``, ``0-``, ``-``, or None where it is not shown.

    >>> from steptime.model.symbols import acceptance, drafts
    >>> sign(1 - acceptance ** (drafts + 1))
    '0+'
    """
    facts = tuple(facts)
    facts = (*facts, *domains(expr.free_symbols.union(*(fact.free_symbols for fact in facts))))
    return _Signs([part for fact in facts for part in above_zero(fact)], (expr,)).of(expr)


@dataclass
class _Signs:
    """The signs of expressions under what is known; parts that are no polynomials stand as quantities of their own."""

    known: list[Known]
    goals: tuple[Expr, ...]
    atoms: dict[Expr, Symbol] = field(default_factory=dict)
    roots: dict[Symbol, tuple[Symbol, int]] = field(default_factory=dict)
    nullable: set[Symbol] = field(default_factory=set)
    facts: list[tuple[Poly, bool]] = field(default_factory=list)
    depth: int = 0

    def __post_init__(self) -> None:
        symbols = set().union(*(expr.free_symbols for expr, _ in self.known)) if self.known else set()
        positive = {expr for expr, strict in self.known if strict and isinstance(expr, Symbol)}
        above = {part for expr, _ in self.known for part in expr.free_symbols if expr == part - 1}
        for symbol in symbols - positive - above:
            record = declared_as(symbol)
            if record is not None and record.sane[0] == 0:
                self.nullable.add(symbol)
        powers = [part for expr in (*self.goals, *(e for e, _ in self.known)) for part in expr.atoms(sympy.Pow)]
        for part in powers:
            if isinstance(part.base, Symbol) and part.exp.is_Rational and part.exp.q > 1:
                _, q = self.roots.get(part.base, (None, 1))
                root = Dummy(f"root_{part.base}", positive=True)
                self.roots[part.base] = (root, sympy.ilcm(q, part.exp.q))
                if part.base in self.nullable:
                    self.nullable.add(root)
        for expr, strict in sorted(self.known, key=lambda one: one[0].count_ops()):
            self._learn(expr, strict)  # the simple ones first: the signs of parts of the others follow from them

    def of(self, expr: Expr) -> str | None:
        """The sign of an expression."""
        expr = sympy.combsimp(expr) if expr.has(sympy.binomial) else sympy.sympify(expr)
        if expr.is_number:
            return "0" if expr.is_zero else "+" if expr.is_positive else "-" if expr.is_negative else None
        radical = self._radical(expr)
        if radical is not None:
            return radical
        form = self._polynomial(expr)
        if form is None:
            return None
        numerator, denominator = sympy.fraction(sympy.together(form))
        found = times(self._factored(numerator), self._factored(denominator))
        return self._factored(numerator * denominator) if found is None else found

    def never_zero(self, expr: Expr) -> bool:
        """Whether an expression is shown not to be zero: each factor by its sign, or as a factor of what is positive."""
        if self.of(expr) in ("+", "-"):
            return True
        form = self._polynomial(expr)
        if form is None:
            return False
        number, factors = sympy.factor_list(sympy.fraction(sympy.together(form))[0])
        sure = {part for fact, strict in self.facts if strict for part, _ in sympy.factor_list(fact.as_expr())[1]}
        return number != 0 and all(
            part in sure or -part in sure or self._irreducible(_poly(part)) in ("+", "-") for part, _ in factors
        )

    # --- polynomials -------------------------------------------------------------------------------------------
    def _factored(self, expr: Expr) -> str | None:
        """The sign of a polynomial, factor by factor."""
        if expr.is_number:
            return "0" if expr.is_zero else "+" if expr.is_positive else "-"
        number, factors = sympy.factor_list(expr)
        if number == 0:
            return "0"
        found: str | None = "+" if number > 0 else "-"
        unknown, weak = sympy.S.One, sympy.S.One
        for factor, power in factors:
            one = self._irreducible(_poly(factor))
            if power % 2 == 0:
                one = "+" if one in ("+", "-") else "0+"
            elif one is None:
                unknown *= factor
                continue
            if one in ("0+", "0-"):
                weak *= factor**power
            found = times(found, one)
        if unknown == 1:
            return found
        whole = self._as_fact(unknown * weak) if weak != 1 and found in ("0+", "0-") else None
        if whole is not None:
            return times("+" if number > 0 else "-", whole)
        alone = self._as_fact(unknown)
        if alone is None and len(sympy.Mul.make_args(unknown)) > 1:
            alone = self._irreducible(_poly(sympy.expand(unknown)))
        if alone is None and weak != 1:
            return times("+" if number > 0 else "-", self._irreducible(_poly(sympy.expand(unknown * weak))))
        return times(found, alone)

    def _as_fact(self, product: Expr) -> str | None:
        """The sign of a product of several factors that is known as a whole."""
        wanted = sympy.expand(product)
        for fact, strict in self.facts:
            for known, sign_of in ((fact.as_expr(), "+"), (-fact.as_expr(), "-")):
                if sympy.expand(known) == wanted:
                    return sign_of if strict else "0" + sign_of
        return None

    def _irreducible(self, poly: Poly) -> str | None:
        plain = self._by_coefficients(poly)
        if plain is not None:
            return plain
        for turned, strict, weak in ((poly, "+", "0+"), (-poly, "-", "0-")):
            found = self._combined(turned)
            if found is not None:
                return strict if found else weak
        return None

    def _by_coefficients(self, poly: Poly) -> str | None:
        if all(number >= 0 for number in poly.coeffs()):
            return "+" if self._strict(poly) else "0+"
        if all(number <= 0 for number in poly.coeffs()):
            return "-" if self._strict(poly) else "0-"
        return None

    def _strict(self, poly: Poly) -> bool:
        """Whether some summand contains no quantity that may be zero."""
        return any(
            not any(power and gen in self.nullable for gen, power in zip(poly.gens, powers, strict=True))
            for powers, _ in poly.terms()
        )

    def _combined(self, poly: Poly) -> bool | None:
        """Whether a polynomial is positive (True), or not negative (False), by a combination of the facts."""
        facts = [(fact, strict) for fact, strict in self.facts if not fact.is_ground]
        pairs = [
            (one * other, first and second)
            for (one, first), (other, second) in combinations_with_replacement(facts, 2)
            if (one * other).total_degree() <= poly.total_degree() + 2
        ]
        gens = sorted({gen for fact, _ in facts for gen in fact.gens} - self.nullable, key=str)
        ways = [
            (poly, facts),
            *((_poly(sympy.expand(poly.as_expr() * gen)), facts) for gen in gens),  # times what is positive
            (poly, [*pairs, *facts]),
        ]
        weak = None
        for goal, chosen in ways:
            found = self._linear(goal, chosen) if chosen else None
            if found:
                return True
            weak = found if weak is None else weak
        return weak

    def _linear(self, poly: Poly, facts: list[tuple[Poly, bool]]) -> bool | None:
        gens = sorted(set(poly.gens).union(*(fact.gens for fact, _ in facts)), key=str)
        goal = Poly(poly.as_expr(), *gens)
        columns: list[tuple[dict[tuple[int, ...], Rational], bool]] = []
        for fact, strict in facts:
            terms = dict(Poly(fact.as_expr(), *gens).terms())
            for shift in _shifts(goal, terms):
                moved = {tuple(p + s for p, s in zip(powers, shift, strict=True)): c for powers, c in terms.items()}
                sure = not any(power and gen in self.nullable for gen, power in zip(gens, shift, strict=True))
                columns.append((moved, strict and sure))
        if not columns or len(columns) > 600:
            return None
        return _program(dict(goal.terms()), columns, lambda powers: self._sure(gens, powers))

    def _sure(self, gens: list[Symbol], powers: tuple[int, ...]) -> bool:
        return not any(power and gen in self.nullable for gen, power in zip(gens, powers, strict=True))

    def _learn(self, expr: Expr, strict: bool) -> None:
        """A fact as a polynomial, less the factors that are positive anyhow."""
        form = self._polynomial(expr)
        if form is None:
            return
        numerator, denominator = sympy.fraction(sympy.together(form))
        number, factors = sympy.factor_list(sympy.expand(numerator * denominator))
        rest = sympy.S.One if number > 0 else -sympy.S.One
        for factor, power in factors:
            poly = _poly(factor)
            plain = self._by_coefficients(poly)
            if plain is None and len(factors) > 1:
                plain = self._irreducible(poly)  # by what was learned before
            if strict and plain in ("0+", "0-"):  # what is positive has no factor that is zero
                self.nullable.discard(factor)
                self.facts.append((poly if plain == "0+" else -poly, True))
            if plain == "+" or (strict and (power % 2 == 0 or plain == "0+")):
                continue
            rest *= -1 if plain == "-" or (strict and plain == "0-") else factor if power % 2 else factor**2
            if strict and len(factors) == 1 and isinstance(factor, Symbol):
                self.nullable.discard(factor)
        if rest.free_symbols:
            poly = _poly(rest)
            if self._by_coefficients(poly) not in ("+", "0+"):
                self.facts.append((poly, strict))

    # --- what is no polynomial -----------------------------------------------------------------------------------
    def _polynomial(self, expr: Expr) -> Expr | None:
        """An expression with a quantity for each part that is no polynomial; None where a part's sign is unknown."""
        try:
            return self._walk(expr)
        except _UndecidedError:
            return None

    def _walk(self, expr: Expr) -> Expr:
        if isinstance(expr, Symbol):
            return self._rooted(expr, sympy.S.One)
        if expr.is_Rational:
            return expr
        if isinstance(expr, sympy.Add | sympy.Mul):
            return expr.func(*[self._walk(part) for part in expr.args])
        if isinstance(expr, sympy.Pow) and expr.exp.is_Integer:
            return self._walk(expr.base) ** expr.exp
        if isinstance(expr, sympy.Pow) and isinstance(expr.base, Symbol) and expr.exp.is_Rational:
            return self._rooted(expr.base, expr.exp)
        return self._atom(expr)

    def _rooted(self, symbol: Symbol, power: Rational) -> Expr:
        """A power of a quantity, as a whole power of its root."""
        root, q = self.roots.get(symbol, (symbol, 1))
        return root ** (power * q)

    def _atom(self, expr: Expr) -> Expr:
        if expr in self.atoms:
            return self.atoms[expr]
        if self.depth > 6:
            raise _UndecidedError
        self.depth += 1
        try:
            turned, positive, above = self._about(expr)
        finally:
            self.depth -= 1
        atom = Dummy(f"atom{len(self.atoms)}", positive=True)
        if not positive:
            self.nullable.add(atom)
        self.atoms[expr] = -atom if turned else atom
        for other, strict in above(self.atoms[expr]):
            self._learn(other, strict)
        return self.atoms[expr]

    def _about(self, expr: Expr):  # type: ignore[no-untyped-def]
        """Of a part that is no polynomial: whether it is negative, whether it is never zero, what else is known."""
        nothing = lambda atom: ()  # noqa: E731
        if expr.is_number:
            return bool(expr.is_negative), True, nothing
        if isinstance(expr, sympy.exp | sympy.Pow):
            return self._power(expr)
        if isinstance(expr, sympy.log):
            found = self.of(expr.args[0] - 1)
            if found in ("+", "-", "0+", "0-"):
                return found in ("-", "0-"), found in ("+", "-"), nothing
        if isinstance(expr, sympy.Sum) and self.of(expr.function) in ("+", "0+"):
            return False, False, nothing
        if isinstance(expr, sympy.binomial):
            return False, False, nothing  # of what are counts
        if isinstance(expr, sympy.Min | sympy.Max):
            signs = [self.of(part) for part in expr.args]
            up = isinstance(expr, sympy.Max)
            sure = (any if up else all)(found == "+" for found in signs)
            if sure or (any if up else all)(found in ("+", "0+") for found in signs):
                return False, sure, lambda atom: [(atom - part if up else part - atom, False) for part in expr.args]
        if isinstance(expr, sympy.ceiling | sympy.floor) and self.of(expr.args[0]) in ("+", "0+"):
            inner, up = expr.args[0], isinstance(expr, sympy.ceiling)
            sure = self.of(inner if up else inner - 1) in (("+",) if up else ("+", "0+"))
            bounds = lambda atom: [  # noqa: E731
                ((atom - inner) if up else (inner - atom), False),
                ((inner + 1 - atom) if up else (atom + 1 - inner), True),
                *([(atom - 1, False)] if sure else []),
            ]
            return False, sure, bounds
        raise _UndecidedError

    def _power(self, expr: Expr):  # type: ignore[no-untyped-def]
        base, exponent = (sympy.E, expr.args[0]) if isinstance(expr, sympy.exp) else expr.args
        lies = self.of(base)
        if lies != "+" and not (lies in ("0+", "0") and self.of(exponent) in ("+", "0+")):
            raise _UndecidedError
        grows, over = self.of(exponent), self.of(base - 1)
        flip = {"-": -1, "0-": -1, "+": 1, "0+": 1}
        known: list[tuple[int, bool]] = []
        if grows in flip and over in flip:
            known = [(flip[grows] * flip[over], grows in "+-" and over in "+-")]

        def about(atom: Expr) -> list[Known]:
            found = [(direction * (atom - 1), strict) for direction, strict in known]
            if over in ("-", "0-") and self.of(exponent - 1) in ("+", "0+"):
                found.append((base - atom, False))  # a share to a power above one is no more than the share
            if exponent.is_Rational and exponent.q == 2 and exponent.p == 1:
                found += [(atom**2 - base, False), (base - atom**2, False)]
            return found

        return False, lies == "+", about

    def _radical(self, expr: Expr) -> str | None:
        """The sign of p + q sqrt(r), by comparing squares."""
        radicals = [
            part for part in expr.atoms(sympy.Pow)
            if part.exp == Rational(1, 2) and not isinstance(part.base, Symbol) and not part.base.is_number
        ]  # fmt: skip
        if len(radicals) != 1:
            return None
        (radical,) = radicals
        mark = Dummy("radical")
        line = sympy.expand(sympy.expand(expr).xreplace({radical: mark}))
        if not line.is_polynomial(mark) or sympy.degree(line, mark) != 1:
            return None
        p, q = line.coeff(mark, 0), line.coeff(mark, 1)
        one, other = self.of(p), times(self.of(q), self.of(radical.base))
        if one is None or other is None:
            return None
        if one[-1] == other[-1] or "0" in (one, other):
            return plus(one, other)
        larger = self.of(p**2 - q**2 * radical.base)
        if larger in ("+", "0+"):
            return one if larger == "+" and one in ("+", "-") else "0" + one[-1]
        if larger in ("-", "0-"):
            return other if larger == "-" and other in ("+", "-") else "0" + other[-1]
        return None


def _poly(expr: Expr) -> Poly:
    """A polynomial of its own quantities, in order of name."""
    return Poly(expr, *sorted(expr.free_symbols, key=str))


class _UndecidedError(Exception):
    """The sign of a part is not shown."""


def times(one: str | None, other: str | None) -> str | None:
    """The sign of a product."""
    if "0" in (one, other):
        return "0"
    if one is None or other is None:
        return None
    weak = "0" if len(one) + len(other) > 2 else ""
    return weak + ("+" if one[-1] == other[-1] else "-")


def plus(one: str, other: str) -> str | None:
    """The sign of a sum, where it follows from those of the summands."""
    if one == "0":
        return other
    if other == "0":
        return one
    return None if one[-1] != other[-1] else one if len(one) == 1 else other


def _shifts(goal: Poly, terms: dict[tuple[int, ...], Rational]) -> set[tuple[int, ...]]:
    """Monomials by which a fact's terms become terms of the goal."""
    found = {
        tuple(g - t for g, t in zip(wanted, has, strict=True)) for wanted, _ in goal.terms() for has in terms
    }  # fmt: skip
    return {shift for shift in found if min(shift, default=0) >= 0} | {tuple(0 for _ in goal.gens)}


def _program(goal, columns, sure) -> bool | None:  # type: ignore[no-untyped-def]
    """Multipliers of the facts that leave no negative coefficient, found in floats and checked in rationals."""
    import numpy as np
    from scipy.optimize import linprog

    monomials = sorted(set(goal).union(*(moved for moved, _ in columns)))
    place = {powers: row for row, powers in enumerate(monomials)}
    matrix, left = np.zeros((len(monomials), len(columns))), np.zeros(len(monomials))
    for powers, number in goal.items():
        left[place[powers]] = float(number)
    for column, (moved, _) in enumerate(columns):
        for powers, number in moved.items():
            matrix[place[powers], column] = float(number)
    certain = np.array([1.0 if sure(powers) else 0.0 for powers in monomials])
    gain = np.array([1.0 if strict else 0.0 for _, strict in columns]) - certain @ matrix
    solved = linprog(-gain, A_ub=matrix, b_ub=left, bounds=(0, 1e4), method="highs")
    if not solved.success:
        return None
    weights = [Fraction(float(x)).limit_denominator(720) for x in solved.x]
    rest = {powers: Fraction(int(c.p), int(c.q)) for powers, c in ((m, goal.get(m, Rational(0))) for m in monomials)}
    for weight, (moved, _) in zip(weights, columns, strict=True):
        for powers, number in moved.items():
            rest[powers] -= weight * Fraction(int(number.p), int(number.q))
    if any(number < 0 for number in rest.values()) or any(weight < 0 for weight in weights):
        return None
    used = any(weight > 0 and strict for weight, (_, strict) in zip(weights, columns, strict=True))
    return used or any(number > 0 and sure(powers) for powers, number in rest.items())
