"""Distributions of reuse times at values worked by hand, Lomax of shape exactly 1 among them."""

from math import e, exp, inf, log

import pytest

from steptime.model.economics.reuse import Reuse

exactly = pytest.approx


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_lomax_of_shape_one_holds_a_logarithm(share: float) -> None:
    """Survival 1/(1 + t/s) integrates to s ln(1 + t/s), which no power of 1 + t/s gives; its mean is infinite."""
    reuse = Reuse("lomax", 300.0, 1.0, share)
    until = 300 * log(1 + 600 / 300)
    assert reuse.held(0.0, 600.0) == exactly((1 - share) * 600 + share * until, rel=1e-12)
    assert reuse.held(300.0, 600.0) == exactly((1 - share) * 300 + share * (until - 300 * log(2)), rel=1e-12)
    assert reuse.held(0.0, inf) == inf
    assert reuse.returned(300.0, 600.0) == exactly(share * (1 / 2 - 1 / 3), rel=1e-12)


def test_lomax_of_shape_one_is_between_its_neighbours() -> None:
    """The logarithm is the limit of the powers: the shapes beside it enclose it closely."""
    near = [Reuse("lomax", 300.0, shape).held(0.0, 900.0) for shape in (1 + 1e-6, 1.0, 1 - 1e-6)]
    assert near == sorted(near) and near[2] / near[0] - 1 < 2e-6


def test_lomax_of_shape_one_chooses_ages_as_its_hazard_says() -> None:
    """Hazard 1/(s + t): a hold time of 1000 s is one over it at 1000 - 300 s, and of 300 s or less at once."""
    reuse = Reuse("lomax", 300.0, 1.0)
    assert reuse.age(1000.0) == exactly(700.0) and reuse.first == 300.0
    assert (reuse.age(300.0), reuse.age(200.0)) == (0.0, 0.0)


HAZARDS = {
    "exponential, all return: 1/s": (Reuse("exponential", 4.0), 8.0, 1 / 4),
    "half return; at s ln 2 half of them are left: 1/s (1/4)/(1/2 + 1/4)":
        (Reuse("exponential", 4.0, share=0.5), 4 * log(2), 1 / 4 / 3),
    "weibull 1/2 at 4 s: k/s (t/s)^(k-1) = 1/2 / 2 / s": (Reuse("weibull", 10.0, 0.5), 40.0, 1 / 40),
    "lomax 2 at t = s: k/(s + t)": (Reuse("lomax", 10.0, 2.0), 10.0, 0.1),
    "lomax 2 at t = s, 0.8 return and 1/4 of them are left: 0.1 (0.2)/(0.2 + 0.2)":
        (Reuse("lomax", 10.0, 2.0, 0.8), 10.0, 0.05),
}  # fmt: skip


@pytest.mark.parametrize("name", HAZARDS)
def test_hazards(name: str) -> None:
    reuse, age, expected = HAZARDS[name]
    assert reuse.hazard(age) == exactly(expected, rel=1e-12)
    step = age * 1e-6
    by_difference = (log(reuse.survival(age - step)) - log(reuse.survival(age + step))) / (2 * step)
    assert reuse.hazard(age) == exactly(by_difference, rel=1e-6)


AGES = {
    "exponential, half return: (1 + e^-x)/e^-x = 3 s: x = ln 2": (Reuse("exponential", 1.0, share=0.5), 3.0, log(2)),
    "weibull 1/2 of 1 s: 2 sqrt(t) = 6 s": (Reuse("weibull", 1.0, 0.5), 6.0, 9.0),
    "weibull of shape 1 is exponential: half return": (Reuse("weibull", 1.0, 1.0, 0.5), 3.0, log(2)),
    "weibull of shape 1, all return: never": (Reuse("weibull", 1.0, 1.0), 3.0, inf),
}  # fmt: skip


@pytest.mark.parametrize("name", AGES)
def test_ages(name: str) -> None:
    """exponential with a share ρ: one over the hazard is s (1-ρ + ρ e^-x)/(ρ e^-x)."""
    reuse, hold, expected = AGES[name]
    assert reuse.age(hold) == exactly(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["weibull", "lomax"])
@pytest.mark.parametrize("share", [0.999999, 0.6, 0.01])
@pytest.mark.parametrize("times", [1.001, 2.0, 1e3, 1e6])
def test_with_a_share_that_never_returns_the_age_is_a_root(name: str, share: float, times: float) -> None:
    """Where no closed form is left: hold time times hazard is one at the age, over it before and under it after."""
    reuse = Reuse(name, 300.0, 0.7, share)
    hold = times * max(reuse.first, 300.0)
    age = reuse.age(hold)
    assert hold * reuse.hazard(age) == exactly(1.0, rel=1e-9)
    assert hold * reuse.hazard(age * 0.99) > 1 > hold * reuse.hazard(age * 1.01)


FIRST = {
    "exponential: the scale, over the share": (Reuse("exponential", 6.0, share=0.5), 12.0),
    "lomax: scale over shape": (Reuse("lomax", 6.0, 3.0), 2.0),
    "weibull under 1: its hazard starts without bound": (Reuse("weibull", 6.0, 0.5), 0.0),
    "weibull of 1: as exponential": (Reuse("weibull", 6.0, 1.0, 0.5), 12.0),
}


@pytest.mark.parametrize("name", FIRST)
def test_first(name: str) -> None:
    reuse, expected = FIRST[name]
    assert reuse.first == exactly(expected)
    if expected:
        assert 1 / reuse.hazard(1e-9) == exactly(expected, rel=1e-6)


def test_survival_and_returns() -> None:
    """At t = s a share e^-1 of those that return is left."""
    reuse = Reuse("exponential", 5.0, share=0.8)
    assert reuse.survival(5.0) == exactly(0.2 + 0.8 / e)
    assert reuse.returned(5.0, 10.0) == exactly(0.8 * (exp(-1) - exp(-2)))
    assert reuse.returned(5.0, inf) == exactly(0.8 * exp(-1))
    assert reuse.held(0.0, 5.0) == exactly(0.2 * 5 + 0.8 * 5 * (1 - exp(-1)))
