"""``solve crossover`` between two machines, through its entry point."""

import pytest

ASKED = ("solve", "crossover", "llama-3.1-70b", "h200-sxm", "--between")


def test_json_has_the_keys_of_a_crossover(run_json) -> None:
    terms = run_json("solve", "crossover", "llama-3.1-70b", "h200-sxm")
    found = run_json(*ASKED, "h200-sxm,h100-sxm", "--over", "chip_hour_price")
    assert set(terms) <= set(found) | {"training"}
    assert found["between"] == ["h200-sxm", "h100-sxm"] and found["over"] == "chip_hour_price"
    assert found["closed_form"] == "chip_hour_price = hour*price_b*rate_a/rate_b" and found["latex"]
    assert found["exists"] is found["estimate"]["exists"] is True
    assert found["value"] != found["estimate"]["value"]
    one, other = found["machines"]
    assert one["dollars_per_million_tokens"] == pytest.approx(other["dollars_per_million_tokens"], rel=1e-9)
    assert one["chip_hour_price"] == pytest.approx(found["value"]) and one["price_basis"] == other["price_basis"]


def test_none_is_an_answer(run, run_json) -> None:
    found = run_json(*ASKED, "h200-sxm,mi300x", "--over", "context")
    assert found["exists"] is False and found["value"] is None and found["values"] == []
    assert found["cheaper"] == {"below": "mi300x", "above": "mi300x"} and found["closed_form"] is None
    assert "mi300x is cheaper at every context" in found["remark"]
    code, out, err = run(*ASKED, "h200-sxm,mi300x", "--over", "context")
    assert (code, err) == (0, "") and "no crossover" in out


def test_context_is_what_is_varied_where_nothing_is_said(run_json) -> None:
    assert run_json(*ASKED, "H200,H100")["over"] == "context"
    assert run_json("solve", "crossover", "llama-3.1-70b", "h200-sxm")["over"] == "batch"


def test_the_table_says_who_is_cheaper(run) -> None:
    code, out, err = run(*ASKED, "h200-sxm,h100-sxm", "--over", "chip_hour_price")
    assert (code, err) == (0, "")
    for said in ("at the bound", "in practice", "h200-sxm is cheaper below, h100-sxm above", "p_h = h·p_B·μ_A/μ_B",
                 "each at its best batch", "prices: h100-sxm (rent)"):  # fmt: skip
        assert said in " ".join(out.split()), said


@pytest.mark.parametrize(("between", "more", "said"), [
    ("h100-sxm,h200-sxm", (), "HARDWARE is the first of the two"),
    ("h200-sxm,h2000", (), "or two terms: compute"),
    ("h200-sxm", (), "two terms, as in memory,compute, or two machines"),
    ("h200-sxm,memory", (), "'h200-sxm' is not a term"),
    ("h200-sxm,h100-sxm,a100-sxm", (), "or two machines"),
    ("h200-sxm,h200-sxm", (), "named twice"),
    ("h200-sxm,h100-sxm", ("--range", "context=1k..2k"), "no intervals"),
    ("h200-sxm,h100-sxm", ("--over", "replicas"), "belongs to a layout"),
    ("h200-sxm,llama-3.1-8b", (), "is a model"),
])  # fmt: skip
def test_what_is_wrong_is_one_line(run, between: str, more: tuple[str, ...], said: str) -> None:
    code, out, err = run(*ASKED, between, *more)
    assert (code, out) == (2, "") and err.count("\n") == 1 and said in err, err
