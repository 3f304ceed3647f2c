"""How many places a token's experts lie in: chips, or scale-up domains, with the router's group limit respected.

Routing is uniform. A token's choices count as independent draws, a lower bound of the distinct places. Experts lie in
order over the places; source of the group limit: DeepSeek-AI 2024 (arXiv 2412.19437), section 2.1.2.
"""

import sympy
from sympy import Expr, Rational, floor

from steptime.model.extremes import at_least

Limit = tuple[int, int]
"""How many groups of experts the router keeps, of how many."""


def expected_distinct(places: Expr, draws: Expr | int) -> Expr:
    """Expected number of distinct places hit by independent uniform draws: m(1-(1-1/m)^k).

    >>> from sympy import Integer
    >>> expected_distinct(Integer(2), 2)
    3/2
    """
    return places * (1 - (1 - 1 / places) ** draws)


def reachable(places: Expr, limit: Limit | None) -> Expr:
    """Places among which a token's experts lie, where the router keeps some of the groups of experts.

    Where a group spans several places, its share of them; where a place holds several groups, the places that the kept
    groups are expected to hit. Groups are aligned with places; `straddling` says what it adds that they are not.

    >>> from sympy import Integer
    >>> reachable(Integer(8), (4, 8)), reachable(Integer(16), (4, 8)), reachable(Integer(1), (4, 8))
    (4, 8, 1)
    """
    if limit is None:
        return places
    kept, groups = limit
    return at_least(places * Rational(kept, groups), expected_distinct(places, kept))


def straddling(places: Expr, choices: Expr | int, limit: Limit) -> Expr:
    """Places that are hit beyond those of aligned groups, because a boundary between two groups lies inside a place.

    The boundary after group g leaves the share f = frac(g D/G) of a place to the lower group. A draw falls on a place
    whose groups are kept with chance x = G/(K D); with one of the two kept, with chance f x or (1-f) x. Lower kept and
    upper not has probability K(G-K)/(G(G-1)). Against places that belong to one group whole, a boundary adds
    1 + (1-x)^k - (1-f x)^k - (1-(1-f) x)^k, which is never negative and zero at f = 0. Places that hold more than one
    group whole (D < G) count as aligned.

    >>> from sympy import Integer
    >>> straddling(Integer(16), 8, (4, 8)), round(float(straddling(Integer(9), 8, (4, 8))), 2)
    (0, 0.54)
    """
    kept, groups = limit
    one_kept = Rational(kept * (groups - kept), groups * (groups - 1))
    finer = at_least(groups, places)
    drawn = Rational(groups, kept) / finer
    passed = []  # chance that no choice falls on a place, over both ways of keeping one of its two groups
    for boundary in range(1, groups // 2 + 1):  # the boundary after G - g leaves the share 1 - f: the same once more
        lower = Rational(boundary, kept) - drawn * floor(finer * Rational(boundary, groups))  # f x
        pair = (1 - lower) ** choices + (1 - drawn + lower) ** choices
        passed.append(pair if 2 * boundary == groups else 2 * pair)
    return one_kept * ((groups - 1) * (1 + (1 - drawn) ** choices) - sympy.Add(*passed))


def distinct_places(places: Expr, choices: Expr | int, limit: Limit | None) -> Expr:
    """Expected places that hold a token's experts.

    >>> from sympy import Integer
    >>> [round(float(distinct_places(Integer(places), 8, (4, 8))), 2) for places in (4, 8, 9)]
    [2.66, 3.6, 4.43]
    """
    aligned = expected_distinct(reachable(places, limit), choices)
    if limit is None or limit[0] >= limit[1]:
        return aligned
    return aligned + straddling(places, choices, limit)
