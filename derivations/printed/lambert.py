"""Lambert's function for exported code, since no language has it in its own library: as `model.lambert` finds it.

All formulas ask for it of -exp(-height); of another number it is found by the logarithm below nought, by Halley's
steps above. Where it is not real it is no number.
"""

from collections.abc import Iterable

import sympy
from sympy import Basic

from steptime.derivations.printed import gamma
from steptime.model.lambert import by_heights

NAMED = {"lambert": "lambert", "lambert_of_exponential": "lambert_of_exponential"}
"""What a printer is told: the names of the functions in the code."""

PYTHON = (
    '''def lambert_of_exponential(height, branch):
    """The w of w * exp(w) = -exp(-height), the larger one (branch 0) or the other (-1)."""
    over = height - 1
    if not over >= 0:
        return math.nan
    near = math.sqrt(2 * over)
    d = -near - over if branch else min(near, -math.expm1(-height))
    for _ in range(8):
        if d in (0, 1):
            break
        d += (d + over + math.log1p(-d)) * (1 - d) / d
    return d - 1 if branch else -math.exp(-over - d)
''',
    '''

def lambert(x, branch):
    """The w of w * exp(w) = x, of two the larger one (branch 0) or the other (-1)."""
    if x < 0:
        w = lambert_of_exponential(-math.log(-x), branch)
        return w if branch else x * math.exp(-w)
    if branch or not x >= 0:
        return math.nan
    w = math.log1p(x)
    for _ in range(8):
        gap = w - x * math.exp(-w)
        w -= gap / (w + 1 - (w + 2) * gap / (2 * w + 2))
    return w
''',
)
JAVASCRIPT = (
    """/* the w of w * exp(w) = -exp(-height), the larger one (branch 0) or the other (-1) */
const lambert_of_exponential = (height, branch) => {
  const over = height - 1, near = Math.sqrt(2 * over);
  if (!(over >= 0)) return NaN;
  let d = branch ? -near - over : Math.min(near, -Math.expm1(-height));
  for (let turn = 0; turn < 8 && d !== 0 && d !== 1; turn++) d += ((d + over + Math.log1p(-d)) * (1 - d)) / d;
  return branch ? d - 1 : -Math.exp(-over - d);
};
""",
    """/* the w of w * exp(w) = x, of two the larger one (branch 0) or the other (-1) */
const lambert = (x, branch) => {
  if (x < 0) {
    const below = lambert_of_exponential(-Math.log(-x), branch);
    return branch ? below : x * Math.exp(-below);
  }
  if (branch || !(x >= 0)) return NaN;
  let w = Math.log1p(x);
  for (let turn = 0; turn < 8; turn++) {
    const gap = w - x * Math.exp(-w);
    w -= gap / (w + 1 - ((w + 2) * gap) / (2 * w + 2));
  }
  return w;
};
""",
)
C = (
    """#ifndef STEPTIME_LAMBERT_OF_EXPONENTIAL
#define STEPTIME_LAMBERT_OF_EXPONENTIAL
/* the w of w * exp(w) = -exp(-height), the larger one (branch 0) or the other (-1) */
static double lambert_of_exponential(double height, int branch) {
    double over = height - 1, near = sqrt(2 * over);
    if (!(over >= 0)) return NAN;
    double d = branch ? -near - over : fmin(near, -expm1(-height));
    for (int turn = 0; turn < 8 && d != 0 && d != 1; turn++) d += (d + over + log1p(-d)) * (1 - d) / d;
    return branch ? d - 1 : -exp(-over - d);
}
#endif
""",
    """#ifndef STEPTIME_LAMBERT
#define STEPTIME_LAMBERT
/* the w of w * exp(w) = x, of two the larger one (branch 0) or the other (-1) */
static double lambert(double x, int branch) {
    if (x < 0) {
        double below = lambert_of_exponential(-log(-x), branch);
        return branch ? below : x * exp(-below);
    }
    if (branch || !(x >= 0)) return NAN;
    double w = log1p(x);
    for (int turn = 0; turn < 8; turn++) {
        double gap = w - x * exp(-w);
        w -= gap / (w + 1 - (w + 2) * gap / (2 * w + 2));
    }
    return w;
}
#endif
""",
)


def helper(exprs: Iterable[Basic], language: tuple[str, str]) -> str:
    """What of these functions expressions ask for, in one of the languages; there also Gamma, where it has none."""
    many = tuple(exprs)
    called = {str(part.func) for expr in many for part in by_heights(expr).atoms(sympy.Function)}
    own = gamma.helper(many) if language is JAVASCRIPT else ""
    if "lambert" in called:
        return own + "".join(language)
    return own + (language[0] if "lambert_of_exponential" in called else "")
