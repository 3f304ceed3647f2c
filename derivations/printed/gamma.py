"""Euler's Gamma function for exported code: Python and C have it in their own libraries, JavaScript does not.

Lanczos' sum with g = 7 and nine terms, to some fifteen digits, and the reflection below one half. Source: Lanczos 1964,
A precision approximation of the gamma function, SIAM J. Numer. Anal. 1; the coefficients are checked by a test.
"""

from collections.abc import Iterable

import sympy
from sympy import Basic

JAVASCRIPT = """/* Euler's Gamma function */
const gamma = (x) => {
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x));
  const of = [676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7];
  let sum = 0.9999999999998099;
  of.forEach((number, place) => { sum += number / (x + place); });
  const t = x + 6.5, half = Math.pow(t, (x - 0.5) / 2);
  return Math.sqrt(2 * Math.PI) * half * Math.exp(-t) * half * sum;
};
"""
NAMED = {"gamma": "gamma"}
"""What JavaScript's printer is told: the name of the function in the code."""


def helper(exprs: Iterable[Basic]) -> str:
    """The function, where an expression asks for it."""
    return JAVASCRIPT if any(expr.has(sympy.gamma) for expr in exprs) else ""
