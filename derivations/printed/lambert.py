"""Lambert's function for exported code: no language has it in its own library.

Halley's iteration from a start near the root; a number below -1/e, where it is not real, gives no number.
"""

import sympy
from sympy import Expr

USER = {"LambertW": "lambert"}
"""What SymPy's printers call it."""

PYTHON = '''

def lambert(value, branch=0):
    """u of u * exp(u) = value, on the upper (0) or the lower (-1) branch."""
    if value < -math.exp(-1) or (branch and value >= 0):
        return math.nan
    near = math.sqrt(max(2 * (1 + math.e * value), 0.0))
    if value < -0.25:
        u = -1 - near if branch else -1 + near
    else:
        u = math.log(-value) - math.log(-math.log(-value)) if branch else math.log1p(value)
    for _ in range(64):
        power = math.exp(u)
        gap = u * power - value
        if u == -1 or gap == 0:
            break
        u -= gap / (power * (u + 1) - (u + 2) * gap / (2 * u + 2))
    return u
'''
JAVASCRIPT = """
function lambert(value, branch = 0) {
  if (value < -Math.exp(-1) || (branch && value >= 0)) return NaN;
  const near = Math.sqrt(Math.max(2 * (1 + Math.E * value), 0));
  let u = value < -0.25 ? (branch ? -1 - near : -1 + near)
    : branch ? Math.log(-value) - Math.log(-Math.log(-value)) : Math.log1p(value);
  for (let turn = 0; turn < 64; turn++) {
    const power = Math.exp(u), gap = u * power - value;
    if (u === -1 || gap === 0) break;
    u -= gap / (power * (u + 1) - (u + 2) * gap / (2 * u + 2));
  }
  return u;
}
"""
C = """
static double lambert_branch(double value, double branch) {
    if (value < -exp(-1.0) || (branch != 0.0 && value >= 0.0)) return NAN;
    double near = sqrt(fmax(2.0 * (1.0 + exp(1.0) * value), 0.0));
    double u = value < -0.25 ? (branch != 0.0 ? -1.0 - near : -1.0 + near)
        : branch != 0.0 ? log(-value) - log(-log(-value)) : log1p(value);
    for (int turn = 0; turn < 64; turn++) {
        double power = exp(u), gap = u * power - value;
        if (u == -1.0 || gap == 0.0) break;
        u -= gap / (power * (u + 1.0) - (u + 2.0) * gap / (2.0 * u + 2.0));
    }
    return u;
}
"""


def helper(expr: Expr, language: str) -> str:
    """The function in one of the languages, where an expression asks for it."""
    return language if expr.has(sympy.LambertW) else ""


def in_c(expr: Expr) -> Expr:
    """The expression with both arguments written, since a function of C takes all of them."""
    branch = sympy.Function("lambert_branch")
    put = {part: branch(part.args[0], part.args[1] if len(part.args) > 1 else 0) for part in expr.atoms(sympy.LambertW)}
    return expr.xreplace(put)
