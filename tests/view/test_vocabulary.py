"""One vocabulary of options: what a command takes, says of its defaults, and says of what it does not take."""

import json

import pytest

import steptime as st
from steptime.model.errors import UserError

MARKET = "examples/prices-market.toml"
DECODE = ("llama-3.1-70b", "h100-sxm")
TRAIN = ("--phase", "train", "--batch", "64", "--tokens", "15T")


def said(run, *arguments: str) -> str:
    code, out, err = run(*arguments)
    assert code == 0, err
    return " ".join(out.split())


@pytest.fixture
def run_json(run):
    """The JSON of a command; a search on a busy machine may show its progress beside it."""

    def call(*arguments: str):
        code, out, err = run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return call


def refused(run, *arguments: str) -> str:
    code, out, err = run(*arguments)
    assert code == 2 and out == "" and err.count("\n") == 1
    return str(err)


# --- chips -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", [("step",), ("solve", "batch"), ("solve", "crossover")], ids=" ".join)
def test_chips_is_an_option_of_every_question_about_one_machine(run_json, command) -> None:
    """A replica on 16 chips, the layout chosen: as the quantity of that name, set by hand, always could."""
    asked, by_hand = (run_json(*command, *DECODE, *how) for how in (("--chips", "16"), ("--set", "chips=16")))
    assert asked["layout"] == by_hand["layout"] and asked["quantities"]["chips"] == 16


def test_chips_of_a_machine_to_be_designed(run_json) -> None:
    assert (
        run_json("solve", "machine", "llama-3.1-8b", "--prices", MARKET, "--budget", "1e6", "--chips", "8")["chips"]
        == 8
    )


def test_chips_against_the_layout(run) -> None:
    assert "--chips=8 conflicts with --layout" in refused(run, "step", *DECODE, "--chips", "8", "--layout", "tp=4")


# --- help --------------------------------------------------------------------------------------------------------
defaults = {
    "step": (("step",), ["[default: 64; a prefill: 1]", "[default: fewest chips that fit, then least step time]",
                         "[default: the fewest that fit]"]),
    "batch": (("solve", "batch"), ["[default: 64, for which the layout is chosen]"]),
    "machine": (("solve", "machine"), ["[default: 64; the best of several where a cost is minimised]",
                                       "[default: the one that asks for the least]",
                                       "[default: one scale-up domain of the price list]"]),
}  # fmt: skip


@pytest.mark.parametrize("name", defaults)
def test_help_shows_the_defaults_of_its_own_command(run, name: str) -> None:
    command, texts = defaults[name]
    shown = said(run, *command, "--help")
    assert [text for text in texts if text not in shown] == []


def test_the_defaults_that_help_shows_are_taken() -> None:
    usual = st.step("llama-3.1-70b", "h100-sxm")
    assert usual.quantities["batch"] == 64 and usual.quantities["context"] == 4096
    by_cost = st.machine("llama-3.1-8b", MARKET, budget=1e7, minimise="cost").to_dict()["workloads"][0]
    assert any(text.startswith("batch") and "the best of" in text for text in by_cost["defaults"])
    by_time = st.machine("llama-3.1-8b", MARKET, budget=1e7).to_dict()
    assert by_time["workloads"][0]["batch"] == 64 and by_time["chips"] == 72


# --- days of a run -----------------------------------------------------------------------------------------------
asked = {
    "step": ("step", "llama-3.1-8b", "h100-sxm", "--layout", "dp=8"),
    "crossover": ("solve", "crossover", "llama-3.1-8b", "h100-sxm", "--layout", "dp=8", "--over", "memory_bandwidth"),
    "batch": ("solve", "batch", "llama-3.1-8b", "h100-sxm", "--layout", "dp=64", "--recompute", "full", "--zero", "3",
              "--max-step-time", "60s"),
    "layout": ("solve", "layout", "llama-3.1-8b", "h100-sxm", "--chips", "8"),
    "machine": ("solve", "machine", "llama-3.1-8b", "--prices", MARKET, "--budget", "1e7"),
    "who earns": ("solve", "machine", "llama-3.1-8b", "--from", "h100-sxm", "--layout", "dp=8"),
}


@pytest.mark.parametrize("name", asked)
def test_tokens_of_a_run_give_its_days_wherever_they_are_taken(run, run_json, name: str) -> None:
    """Days are the run's tokens over the tokens of a second of the step that is shown."""
    data = run_json(*asked[name], *TRAIN)
    data = data["best"]["step"] if name == "layout" else data["workloads"][0] if name == "machine" else data
    training, time = data["training"], data.get("step_time") or data["quantities"]["step_time"]
    sequences = 64 if name != "batch" else data["integer"]["batch"]
    time = data["integer"]["step_time"] if name == "batch" else time
    assert training["days"] == pytest.approx(15e12 / (sequences * 4096 / time) / 86400)
    assert training["dollars"] > 0
    if name == "batch":
        assert training == data["at_estimate"]["training"] and training["days"] > data["at_bound"]["training"]["days"]
    shown = said(run, *asked[name], *TRAIN)
    assert "15 T tokens in" in shown and " days, $" in shown
    if name != "machine":  # which is designed: of no family of which steps were measured
        estimate = data["estimate"] if name == "step" else None
        days = estimate["days"] if estimate else None
        run_of_it = shown[shown.index("15 T tokens in") :]
        assert "; about " in run_of_it and " in practice" in run_of_it
        assert days is None or f"about {days:,.0f} days" in run_of_it


def test_dollars_of_a_run_on_a_machine_are_its_price_over_its_life(run_json) -> None:
    data = run_json(*asked["machine"], *TRAIN)
    days = data["workloads"][0]["training"]["days"]
    life = 5 * 365  # days: the price list's 43,800 hours
    assert data["workloads"][0]["training"]["dollars"] == pytest.approx(sum(data["spend"].values()) * days / life)


# --- several, and shares -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("arguments", "message"), [
    (("step", *DECODE, "--batch", "16,32,64"), "several go to step.over(batch=[…]) and --batch of solve layout"),
    (("solve", "batch", *DECODE, "--batch", "16,32"), "several go to step.over(batch=[…]) and --batch of solve layout"),
    (("step", *DECODE, "--context", "4k,32k"), "several go to step.over(context=[…])"),
    (("step", *DECODE, "--set", "memory_bandwidth=1TB/s,2TB/s"), "several go to step.over(memory_bandwidth=[…])"),
    (("step", *DECODE, "--chips", "8,16"), "several go to --chips of solve layout"),
    (("step", *DECODE, "--batch", "60%"), "solve layout tries several: --batch 16,32,64"),
    (("solve", "layout", *DECODE, "--chips", "8", "--batch", "60%"), "step says how many fit"),
    (("step", *DECODE, "--set", "memory_efficiency=160%"), "memory_efficiency: '160%' is outside the sane range"),
    (("step", *DECODE, "--set", "memory_bandwidth=60%"), "a share of what is not known here; give a number in B/s"),
])  # fmt: skip
def test_several_values_and_shares_are_answered_with_what_takes_them(run, arguments, message) -> None:
    assert message in refused(run, *arguments)


@pytest.mark.parametrize("value", [[16, 32], (16,), range(4), {16, 32}, [], "16,32"])
def test_several_values_in_python_too(value) -> None:
    with pytest.raises(UserError, match=r"several go to step.over\(batch=\[…\]\)"):
        st.step("llama-3.1-70b", "h100-sxm", batch=value)
    grid = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").over(batch=[16, 32])
    assert grid.shape == (2,)


def test_a_list_is_still_taken_where_several_are_tried(run_json) -> None:
    assert run_json("solve", "layout", *DECODE, "--chips", "8", "--batch", "16,32")["batches"] == [16, 32]


# --- numbers without a unit --------------------------------------------------------------------------------------
BARE = "33 has no unit: read in base units, as 33 s; 33ms would be milliseconds"


def test_a_time_without_a_unit_is_in_seconds_and_said_so(run, run_json) -> None:
    bare, seconds = (run_json("solve", "batch", *DECODE, "--layout", "tp=8", "--max-step-time", text)
                     for text in ("33", "33 s"))  # fmt: skip
    assert bare["values"] == seconds["values"] and bare["limits"]["max_step_time"] == "step_time <= 33 s"
    assert bare["notices"] == [f"`max_step_time` {BARE}"]
    assert seconds["notices"] == []
    shown = said(run, "solve", "batch", *DECODE, "--layout", "tp=8", "--max-step-time", "33")
    assert f"--max-step-time {BARE}" in shown


def test_a_search_says_so_too(run, run_json) -> None:
    asked = ("solve", "layout", *DECODE, "--chips", "8", "--batch", "64", "--max-step-time", "33")
    assert run_json(*asked)["notices"][0] == f"`max_step_time` {BARE}"
    assert f"--max-step-time {BARE}" in said(run, *asked)


def test_a_number_of_python_is_in_base_units_without_a_word() -> None:
    assert st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").best_batch(max_step_time=0.02).notices == ()


def test_limits_of_your_own_are_shown_with_their_unit(run_json) -> None:
    data = run_json("solve", "batch", *DECODE, "--layout", "tp=8", "--limit", "step_time<=33", "--limit", "batch<=512")
    assert data["limits"]["step_time"] == "step_time <= 33 s" and data["limits"]["batch"] == "batch <= 512"


# --- unknown options ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("arguments", "message"), [
    (("step", *DECODE, "--contxt", "3"), "of step; did you mean --context?"),
    (("step", *DECODE, "--max-step-time", "3ms"), "of step; solve batch, solve layout have it"),
    (("step", *DECODE, "--prices", "f"), "of step; solve machine has it"),
    (("step", *DECODE, "--pices", "f"), "of step; did you mean --prices of solve machine?"),
    (("step", *DECODE, "--memory-bandwidth", "3TB/s"), "of step; --set memory_bandwidth=VALUE gives that quantity"),
    (("solve", "batch", *DECODE, "--minimize", "cost"), "of solve batch; did you mean --minimise?"),
    (("solve", "crossover", *DECODE, "--limit", "batch<=3"), "of solve crossover; solve batch"),
    (("derive", "--context", "3"), "of derive; step, explain, solve crossover, solve batch and others have it"),
    (("step", *DECODE, "-q"), "of step; step --help lists those that there are"),
    (("--zzzz",), "of steptime; steptime --help lists those that there are"),
    (("solve", "--limt", "3"), "of solve; did you mean --limit of solve batch"),
])  # fmt: skip
def test_an_unknown_option_is_answered_with_real_ones(run, arguments, message) -> None:
    assert message in refused(run, *arguments)
