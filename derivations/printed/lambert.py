"""Lambert's function for exported code, which has no library at hand: w with w exp(w) = x, to the last digits.

The upper branch by Halley's steps from its series about -1/e, or from a logarithm; the lower one by Newton's steps on
w + ln(-w) = ln(-x), from a bound of Chatzigeorgiou 2013 (arXiv 1601.04895).
"""

import sympy
from sympy import Expr

NAMED = {"lambert": "lambert"}
"""What a printer is told: the name of the function in the code."""

PYTHON = """def lambert(x, which):
    if math.e * x + 1 <= 0 or (which != 0 and x >= 0):
        return -1.0 if math.e * x + 1 == 0 else math.nan
    if which == 0:
        p = math.sqrt(2 * (math.e * x + 1))
        w = -1 + p - p * p / 3 if x < 0.3 else math.log(1 + x)
        for _ in range(40):
            gap = w * math.exp(w) - x
            w -= gap / (math.exp(w) * (w + 1) - (w + 2) * gap / (2 * w + 2))
        return w
    u = -math.log(-x) - 1
    w = -1 - math.sqrt(2 * u) - 2 * u / 3
    for _ in range(40):
        w -= (w + 1 + u + math.log(-w)) / (1 + 1 / w)
    return w


"""
JAVASCRIPT = """const lambert = (x, which) => {
  if (Math.E * x + 1 <= 0 || (which !== 0 && x >= 0)) return Math.E * x + 1 === 0 ? -1 : NaN;
  const p = Math.sqrt(2 * (Math.E * x + 1)), u = -Math.log(-x) - 1;
  let w = which !== 0 ? -1 - Math.sqrt(2 * u) - (2 * u) / 3 : x < 0.3 ? -1 + p - (p * p) / 3 : Math.log(1 + x);
  for (let i = 0; i < 40; i++) {
    const gap = w * Math.exp(w) - x;
    w -= which !== 0 ? (w + 1 + u + Math.log(-w)) / (1 + 1 / w)
      : gap / (Math.exp(w) * (w + 1) - ((w + 2) * gap) / (2 * w + 2));
  }
  return w;
};
"""
C = """#ifndef STEPTIME_LAMBERT
#define STEPTIME_LAMBERT
static double lambert(double x, int which) {
    if (exp(1) * x + 1 <= 0 || (which != 0 && x >= 0)) return exp(1) * x + 1 == 0 ? -1 : NAN;
    double p = sqrt(2 * (exp(1) * x + 1)), u = x < 0 ? -log(-x) - 1 : 0;
    double w = which != 0 ? -1 - sqrt(2 * u) - 2 * u / 3 : x < 0.3 ? -1 + p - p * p / 3 : log(1 + x);
    for (int i = 0; i < 40; i++) {
        double gap = w * exp(w) - x;
        w -= which != 0 ? (w + 1 + u + log(-w)) / (1 + 1 / w) : gap / (exp(w) * (w + 1) - (w + 2) * gap / (2 * w + 2));
    }
    return w;
}
#endif
"""


def named(expr: Expr) -> Expr:
    """An expression with Lambert's function under the name that it has in the code, its branch always said.

    >>> from steptime.model.symbols import batch
    >>> named(sympy.LambertW(batch)), named(sympy.LambertW(-1 / batch, -1))
    (lambert(batch, 0), lambert(-1/batch, -1))
    """
    called = sympy.Function("lambert")
    parts = expr.atoms(sympy.LambertW)
    return expr.xreplace({part: called(part.args[0], part.args[1] if len(part.args) > 1 else 0) for part in parts})


def head(expr: Expr, text: str) -> str:
    """The function's text, where an expression has it."""
    return text if expr.has(sympy.LambertW) else ""
