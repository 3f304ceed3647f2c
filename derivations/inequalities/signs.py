"""The signs of expressions under what is known.

An expression is brought to one fraction and factored; each factor is a polynomial of quantities none of which is
negative. What is no polynomial (a power with a variable exponent, a logarithm, a rounded number, the larger of two) is
a quantity of its own, with what is known of it: so that no calculus is needed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Dummy, Expr, Poly, Rational, Symbol

from steptime.derivations.inequalities.combination import combined
from steptime.derivations.inequalities.factors import factors_of
from steptime.derivations.inequalities.parts import UndecidedError, about, may_vanish, radical_sign, times
from steptime.derivations.inequalities.polynomials import (
    Known,
    by_coefficients,
    fraction_of,
    poly_of,
    signs_at,
)  # fmt: skip
from steptime.derivations.inequalities.refuted import Point, value_at


@dataclass
class Signs:
    """The signs of expressions under what is known; parts that are no polynomials stand as quantities of their own."""

    roots: dict[Symbol, tuple[Symbol, int]] = field(default_factory=dict)
    atoms: dict[Expr, Symbol] = field(default_factory=dict)
    nullable: set[Symbol] = field(default_factory=set)
    facts: list[tuple[Poly, bool]] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    depth: int = 0

    @classmethod
    def knowing(cls, known: Iterable[Known], rooted: Mapping[Symbol, int], points: Iterable[Point]) -> "Signs":
        """The signs where so many expressions are known not to be negative; ``rooted`` are quantities that stand under
        roots, of such an order, anywhere in what will be asked; ``points`` are numbers at which all that is so."""
        signs = cls({symbol: (Dummy(f"root_{symbol}", positive=True), q) for symbol, q in rooted.items()})
        signs.stand_at(points)
        signs.add(known)
        return signs

    def stand_at(self, points: Iterable[Point]) -> None:
        """Numbers for all quantities, at which what is known is so: they tell which sign to look for."""
        self.points = []
        for point in points:
            there = dict(point)
            there |= {root: there[symbol] ** (1 / q) for symbol, (root, q) in self.roots.items() if symbol in there}
            self.points.append(there)
        for expr, atom in self.atoms.items():
            self._value(expr, atom)

    def _value(self, expr: Expr, atom: Expr) -> None:
        """The numbers of a part that is no polynomial; a point at which it has none is left out."""
        symbol = -atom if atom.could_extract_minus_sign() else atom
        kept = []
        for point in self.points:
            value = value_at(expr, point)
            if value is not None:
                kept.append({**point, symbol: abs(value)})
        self.points = kept

    def add(self, known: Iterable[Known]) -> None:
        """Learn more, the simple first, and polynomials: the signs of parts of the others follow from them."""
        many = list(known)
        symbols = set().union(*(expr.free_symbols for expr, _ in many)) if many else set()
        positive = {expr for expr, strict in many if strict and isinstance(expr, Symbol)}
        above = {part for expr, _ in many for part in expr.free_symbols if expr == part - 1}
        for symbol in symbols - positive - above:
            if may_vanish(symbol):
                self.nullable |= {symbol, self.roots.get(symbol, (symbol, 1))[0]}
        for expr, strict in sorted(many, key=lambda one: (one[0].count_ops(), one[0].has(sympy.Function))):
            self.learn(expr, strict)

    def copy(self) -> "Signs":
        """Another that may learn more."""
        return Signs(self.roots, dict(self.atoms), set(self.nullable), list(self.facts), list(self.points), self.depth)

    def of(self, expr: Expr) -> str | None:
        """The sign of an expression."""
        expr = sympy.combsimp(expr) if expr.has(sympy.binomial) else sympy.sympify(expr, strict=True)
        if expr.is_number:
            return "0" if expr.is_zero else "+" if expr.is_positive else "-" if expr.is_negative else None
        radical = radical_sign(self, expr)
        if radical is not None:
            return radical
        form = self._polynomial(expr)
        if form is None:
            return None
        numerator, denominator = fraction_of(form)
        found = times(self._factored(numerator), self._factored(denominator))
        return self._factored(numerator * denominator) if found is None else found

    def never_zero(self, expr: Expr) -> bool:
        """Whether an expression is shown not to be zero: each factor by its sign, or as one of what is positive."""
        if self.of(expr) in ("+", "-"):
            return True
        form = self._polynomial(expr)
        if form is None:
            return False
        number, factors = factors_of(fraction_of(form)[0])
        sure = {part for fact, strict in self.facts if strict for part, _ in factors_of(fact.as_expr())[1]}
        return number != 0 and all(
            part in sure or -part in sure or self._irreducible(poly_of(part)) in ("+", "-") for part, _ in factors
        )

    # --- polynomials -------------------------------------------------------------------------------------------
    def _factored(self, expr: Expr) -> str | None:
        """The sign of a polynomial, factor by factor."""
        if expr.is_number:
            return "0" if expr.is_zero else "+" if expr.is_positive else "-"
        number, factors = factors_of(expr)
        if number == 0:
            return "0"
        found: str | None = "+" if number > 0 else "-"
        certain: str | None = found  # of the number and the factors that are never zero
        unknown, weak = sympy.S.One, sympy.S.One
        for factor, power in factors:
            one = self._irreducible(poly_of(factor))
            if power % 2 == 0:
                one = "+" if one in ("+", "-") else "0+"
            elif one is None:
                unknown *= factor
                continue
            if one in ("0+", "0-"):
                weak *= factor**power
            else:
                certain = times(certain, one)
            found = times(found, one)
        if unknown == 1:
            if found in ("0+", "0-") and weak != 1 and len(factors) > 1:  # the whole may be known to be positive
                strict = self._irreducible(poly_of(sympy.expand(expr)))
                return strict if strict in ("+", "-") else found
            return found
        whole = self._as_fact(unknown * weak) if weak != 1 and found in ("0+", "0-") else None
        if whole is not None:
            return times(certain, whole)
        alone = self._as_fact(unknown)
        if alone is None and len(sympy.Mul.make_args(unknown)) > 1:
            alone = self._irreducible(poly_of(sympy.expand(unknown)))
        if alone is None and weak != 1:
            return times(certain, self._irreducible(poly_of(sympy.expand(unknown * weak))))
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
        plain = by_coefficients(poly, self.nullable)
        if plain in ("+", "-"):
            return plain
        if plain is not None:
            turned = poly if plain == "0+" else -poly
            told = any(strict and set(fact.gens) & set(poly.gens) for fact, strict in self.facts)
            return plain[-1] if told and combined(turned, self.facts, self.nullable) else plain
        seen = signs_at(poly, self.points)
        if len(seen) > 1:
            return None
        for turned, strict, weak in ((poly, "+", "0+"), (-poly, "-", "0-")):
            if seen and seen != {strict}:
                continue
            found = combined(turned, self.facts, self.nullable)
            if found is not None:
                return strict if found else weak
        return None

    def learn(self, expr: Expr, strict: bool) -> None:
        """A fact as a polynomial, less the factors that are positive anyhow."""
        form = self._polynomial(expr)
        if form is None:
            return
        numerator, denominator = fraction_of(form)
        above, below = factors_of(numerator), factors_of(denominator)
        number, factors = above[0] * below[0], [*above[1], *below[1]]
        rest = sympy.S.One if number > 0 else -sympy.S.One
        for factor, power in factors:
            poly = poly_of(factor)
            plain = by_coefficients(poly, self.nullable)
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
            poly = poly_of(rest)
            if by_coefficients(poly, self.nullable) not in ("+", "0+"):
                self.facts.append((poly, strict))

    # --- what is no polynomial -----------------------------------------------------------------------------------
    def _polynomial(self, expr: Expr) -> Expr | None:
        """An expression with a quantity for each part that is no polynomial; None where a part's sign is unknown."""
        try:
            return self._walk(expr)
        except UndecidedError:
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
        if isinstance(expr, sympy.Pow) and expr.base in self.roots and expr.exp.is_Rational:
            return self._rooted(expr.base, expr.exp)
        if isinstance(expr, sympy.Pow) and expr.exp.could_extract_minus_sign():
            return 1 / self._walk(expr.base**-expr.exp)
        return self._atom(expr)

    def _rooted(self, symbol: Symbol, power: Rational) -> Expr:
        """A power of a quantity, as a whole power of its root."""
        root, q = self.roots.get(symbol, (symbol, 1))
        return root ** (power * q) if (power * q).is_Integer else self._atom(symbol**power)

    def _atom(self, expr: Expr) -> Expr:
        if expr in self.atoms:
            return self.atoms[expr]
        if self.depth > 6:
            raise UndecidedError
        self.depth += 1
        try:
            turned, positive, above = about(self, expr)
        finally:
            self.depth -= 1
        atom = Dummy(f"atom{len(self.atoms)}", positive=True)
        if not positive:
            self.nullable.add(atom)
        self.atoms[expr] = -atom if turned else atom
        self._value(expr, self.atoms[expr])
        for other, strict in above(self.atoms[expr]):
            self.learn(other, strict)
        return self.atoms[expr]
