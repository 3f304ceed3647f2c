"""What a search minimises, in words and amounts that people use."""

from steptime.model.choices import Minimise
from steptime.model.text.format import money, si


def goal_of(minimise: Minimise) -> str:
    """What is minimised, as a row of an answer is called."""
    return {Minimise.COST: "cost", Minimise.ENERGY: "energy", Minimise.LATENCY: "latency"}.get(minimise, "chip time")


def amount(value: float, minimise: Minimise) -> str:
    """So much of what is minimised, for a token or a step.

    >>> amount(2.8e-7, Minimise.COST), amount(0.2034, Minimise.ENERGY), amount(0.02, Minimise.LATENCY)
    ('$0.28 per million tokens', '203.4 mJ per token', '20 ms')
    """
    if minimise == Minimise.COST:
        return f"{money(value * 1e6)} per million tokens"
    if minimise == Minimise.LATENCY:
        return si(value, "s")
    return f"{si(value, 'J')} per token" if minimise == Minimise.ENERGY else f"{value:.4g} chip-seconds per token"
