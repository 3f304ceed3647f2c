"""The signs of expressions under what is known.

An expression is brought to one fraction and factored; each factor is a polynomial of quantities none of which
is negative. What is no polynomial (a power with a variable exponent, a logarithm, a rounded number, the larger of two) is a
quantity of its own, with what is known of it: so that no calculus is needed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Dummy, Expr, Poly, Rational, Symbol

from steptime.derivations.combination import Known, combined, factors_of, fraction_of, poly_of, sure, terms_of
from steptime.derivations.refuted import Point, value_at
from steptime.model.quantity import declared_as


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
        """Learn more, the simple first: the signs of parts of the others follow from them."""
        many = list(known)
        symbols = set().union(*(expr.free_symbols for expr, _ in many)) if many else set()
        positive = {expr for expr, strict in many if strict and isinstance(expr, Symbol)}
        above = {part for expr, _ in many for part in expr.free_symbols if expr == part - 1}
        for symbol in symbols - positive - above:
            if may_vanish(symbol):
                self.nullable |= {symbol, self.roots.get(symbol, (symbol, 1))[0]}
        for expr, strict in sorted(many, key=lambda one: one[0].count_ops()):
            self.learn(expr, strict)

    def copy(self) -> "Signs":
        """Another that may learn more."""
        return Signs(
            self.roots, dict(self.atoms), set(self.nullable), list(self.facts), list(self.points), self.depth
        )

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
            found = times(found, one)
        if unknown == 1:
            if found in ("0+", "0-") and weak != 1 and len(factors) > 1:  # the whole may be known to be positive
                strict = self._irreducible(poly_of(sympy.expand(expr)))
                return strict if strict in ("+", "-") else found
            return found
        whole = self._as_fact(unknown * weak) if weak != 1 and found in ("0+", "0-") else None
        if whole is not None:
            return times("+" if number > 0 else "-", whole)
        alone = self._as_fact(unknown)
        if alone is None and len(sympy.Mul.make_args(unknown)) > 1:
            alone = self._irreducible(poly_of(sympy.expand(unknown)))
        if alone is None and weak != 1:
            return times("+" if number > 0 else "-", self._irreducible(poly_of(sympy.expand(unknown * weak))))
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
        if plain in ("+", "-"):
            return plain
        if plain is not None:
            turned = poly if plain == "0+" else -poly
            told = any(strict and set(fact.gens) & set(poly.gens) for fact, strict in self.facts)
            return plain[-1] if told and combined(turned, self.facts, self.nullable) else plain
        seen = self._seen(poly)
        if len(seen) > 1:
            return None
        for turned, strict, weak in ((poly, "+", "0+"), (-poly, "-", "0-")):
            if seen and seen != {strict}:
                continue
            found = combined(turned, self.facts, self.nullable)
            if found is not None:
                return strict if found else weak
        return None

    def _seen(self, poly: Poly) -> set[str]:
        """The signs that a polynomial has at the points."""
        found = set()
        for point in self.points:
            parts = []
            for monomial, number in terms_of(poly).items():
                value = float(number)
                for gen, power in monomial:
                    value *= point.get(gen, float("nan")) ** power
                parts.append(value)
            total = sum(parts)
            if abs(total) > 1e-9 * sum(abs(part) for part in parts):
                found.add("+" if total > 0 else "-")
                if len(found) > 1:
                    break
        return found

    def _by_coefficients(self, poly: Poly) -> str | None:
        if all(number >= 0 for number in poly.coeffs()):
            return "+" if self._strict(poly) else "0+"
        if all(number <= 0 for number in poly.coeffs()):
            return "-" if self._strict(poly) else "0-"
        return None

    def _strict(self, poly: Poly) -> bool:
        """Whether some summand contains no quantity that may be zero."""
        return any(sure(monomial, self.nullable) for monomial in terms_of(poly))

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
            poly = poly_of(rest)
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
        if isinstance(expr, sympy.Pow) and not expr.exp.is_number and expr.exp.could_extract_minus_sign():
            return 1 / self._walk(expr.base**-expr.exp)
        if isinstance(expr, sympy.Pow) and expr.base in self.roots and expr.exp.is_Rational:
            return self._rooted(expr.base, expr.exp)
        return self._atom(expr)

    def _rooted(self, symbol: Symbol, power: Rational) -> Expr:
        """A power of a quantity, as a whole power of its root."""
        root, q = self.roots.get(symbol, (symbol, 1))
        return root ** (power * q) if (power * q).is_Integer else self._atom(symbol**power)

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
        self._value(expr, self.atoms[expr])
        for other, strict in above(self.atoms[expr]):
            self.learn(other, strict)
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
        if isinstance(expr, sympy.Sum):
            index, low, high = expr.limits[0]
            inside = self.copy()
            inside.add([(index - low, False), (high - index, False)])
            if inside.of(expr.function) in ("+", "0+"):
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
        line = sympy.expand(expr.xreplace({radical: mark}))
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


def may_vanish(symbol: Symbol) -> bool:
    """Whether the range of a quantity begins with zero."""
    record = declared_as(symbol)
    return record is not None and record.sane[0] == 0


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
