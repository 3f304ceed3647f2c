"""Experts that a pass touches. Source: Shazeer et al. 2017 (arXiv 1701.06538) for the layer."""

from sympy import Expr


def distinct_experts(experts: Expr, chosen: Expr, tokens: Expr) -> Expr:
    """Expected distinct experts that tokens choose, each uniformly and without repetition: N_e (1 - (1 - k/N_e)^n).

    >>> from sympy import Integer
    >>> distinct_experts(Integer(256), Integer(8), Integer(1))
    8
    """
    return experts * (1 - (1 - chosen / experts) ** tokens)
