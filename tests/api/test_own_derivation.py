"""Quantities and derivations of a user's own are checked, shown and exported like the library's."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sympy

import steptime as st
from steptime.model import quantity

rules = st.rules


@pytest.fixture(autouse=True)
def own_quantities(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test declares is forgotten after it."""
    st.library()
    monkeypatch.setattr(quantity, "_declared", quantity.declared())
    yield


@pytest.fixture
def own() -> st.Derivation:
    """Energy of a step, solved for the power."""
    power = st.quantity("own_power", st.units.joule / st.units.second, r"P_o", "watts of my machine")
    energy = st.quantity("own_energy", st.units.joule, r"e_o", "joules of one step")
    (time,) = st.quantities("step_time")
    return st.Derivation(
        name="own-energy", title="Energy of a step", rows=("1.1",), claim="Power times time.",
        start=rules.equation(energy, power * time.symbol),
        steps=(st.Line("solve for the power", rules.solve_for(power), rules.equation(power, energy / time.symbol)),),
        assumes=("power is constant",), sources=("a lecture",),
        example=lambda: {energy: 20.0, time.symbol: 0.02}, example_text="20 J in 20 ms",
    )  # fmt: skip


def test_it_is_verified_shown_and_exported(own: st.Derivation) -> None:
    own.verify()
    assert own.verified and own.evaluate() == pytest.approx(1000)
    assert "solve for the power" in str(own) and "20 J in 20 ms" in str(own) and "own-energy" in repr(own)
    assert r"\frac{e_o}{t}" in own.latex() and r"\frac{e_o}{t}" in own.markdown()
    assert own._repr_latex_() == r"$\displaystyle P_o = \frac{e_o}{t}$"
    assert own.to_dict()["name"] == "own-energy" and "<pre" in own._repr_html_()


def test_a_false_line_is_named(own: st.Derivation) -> None:
    (line,) = own.steps
    false = replace(line, gives=rules.equation(line.gives.lhs, 2 * line.gives.rhs))
    wrong = replace(own, steps=(false,))
    assert not wrong.verified
    with pytest.raises(ValueError, match=r"own-energy, line 1 \(solve for the power\)"):
        wrong.verify()


def test_a_line_of_two_units_is_named(own: st.Derivation) -> None:
    (time,) = st.quantities("step_time")
    crooked = replace(own, start=rules.equation(own.start.lhs, time.symbol))
    with pytest.raises(ValueError, match=r"start: .*own_energy"):
        crooked.verify()


def test_a_quantity_is_declared_once(own: st.Derivation) -> None:
    for name in ("own_power", "batch"):
        with pytest.raises(ValueError, match=f"{name} is declared twice"):
            st.quantity(name, st.units.count, "B", "again")


def test_an_own_quantity_is_known_by_name(own: st.Derivation) -> None:
    (found,) = st.quantities("own_power")
    assert isinstance(found.symbol, sympy.Symbol) and found.unit == st.units.joule / st.units.second
    with pytest.raises(st.UserError, match="own_power"):
        st.step("gpt2", "h100-sxm", own_power=3)


def test_the_library_is_a_book_of_such_derivations() -> None:
    book = st.library()
    assert len(book) == len(list(book)) > 50 and all(isinstance(one, st.Derivation) for one in book)
    assert st.derivation("ridge").name in book.graph()
    for form in ("latex", "markdown", "python", "c"):
        assert st.latex("ridge", "memory", form=form)
