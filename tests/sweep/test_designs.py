"""Designs by number: SciPy's own sequence, and one point a slice."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from steptime.model.solver.sweep.designs import TABLE, Latin, Sobol


@pytest.mark.parametrize("dimensions", [1, 3, 7])
@pytest.mark.parametrize("start", [0, 1, TABLE - 3, TABLE, 5 * TABLE + 17, 2**20 - 1, 2**22 + 12_345])
def test_sobol_is_scipys_sequence(dimensions: int, start: int) -> None:
    engine = qmc.Sobol(dimensions, rng=11, bits=30)
    if start:
        engine.fast_forward(start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a number of points that is no power of two
        theirs = engine.random(100)
    np.testing.assert_array_equal(Sobol(dimensions, 2**23, 11).points(start, start + 100), theirs)


@given(size=st.integers(1, 3000), seed=st.integers(0, 2**31), dimensions=st.integers(1, 4))
def test_a_latin_hypercube_has_one_point_a_slice(size: int, seed: int, dimensions: int) -> None:
    points = Latin(dimensions, size, seed).points(0, size)
    assert ((points >= 0) & (points < 1)).all()
    for column in (points * size).astype(int).T:
        assert np.array_equal(np.sort(column), np.arange(size))


@given(start=st.integers(0, 900), length=st.integers(1, 100))
def test_a_piece_is_a_piece_of_the_whole(start: int, length: int) -> None:
    for design in (Latin(3, 1000, 5), Sobol(3, 1024, 5)):
        np.testing.assert_array_equal(design.points(0, 1000)[start : start + length],
                                      design.points(start, min(1000, start + length)))  # fmt: skip


def test_dimensions_do_not_go_together() -> None:
    """No correlation beyond chance, five standard errors of which are 5/sqrt(n)."""
    size = 20_011
    points = Latin(5, size, 1).points(0, size)
    other = np.corrcoef(points.T) - np.eye(5)
    assert np.abs(other).max() < 5 / np.sqrt(size)
    next_to = np.corrcoef(points[:-1].T, points[1:].T)
    assert np.abs(next_to - np.diag(next_to.diagonal())).max() < 5 / np.sqrt(size)


def test_seeds_differ() -> None:
    assert not np.array_equal(Latin(2, 500, 1).points(0, 500), Latin(2, 500, 2).points(0, 500))
    assert not np.array_equal(Sobol(2, 512, 1).points(0, 500), Sobol(2, 512, 2).points(0, 500))
