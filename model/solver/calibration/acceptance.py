"""What a measured time per token says of drafts that were checked: tokens of a pass, and the chance of acceptance."""

from steptime.model import symbols as q
from steptime.model.numeric import compiled
from steptime.model.phases.prefill import expected_tokens
from steptime.model.solver.measured.judged import Drafts


def implied(drafts: float, check: float, riding: float, measured: float) -> Drafts:
    """``check``: seconds of the pass that checks so many drafts; ``riding``: those that prefills add for each token;
    ``measured``: seconds of a token. Passes of A tokens take check/A + riding a token.

    >>> found = implied(2, check=0.030, riding=0.002, measured=0.014)
    >>> found.tokens, round(found.acceptance, 3)
    (2.5, 0.823)
    >>> implied(2, check=0.060, riding=0.002, measured=0.014).acceptance is None
    True
    """
    tokens = check / (measured - riding) if measured > riding else float("inf")
    if not 1 <= tokens <= drafts + 1:
        return Drafts(drafts, tokens, None)
    return Drafts(drafts, tokens, _acceptance(drafts, tokens))


def _acceptance(drafts: float, tokens: float) -> float:
    """The chance at which so many tokens are expected."""
    from scipy.optimize import brentq

    most = 1 - 1e-9
    expected = compiled(expected_tokens, (q.acceptance, q.drafts))
    if tokens >= expected(most, drafts):
        return 1.0
    return float(brentq(lambda chance: float(expected(chance, drafts)) - tokens, 0.0, most))
