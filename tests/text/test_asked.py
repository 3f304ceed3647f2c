"""Questions in words, and the derivations that answer them."""

import pytest

from steptime.model.text.asked import MOST, asked, stems


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("When does no optimal batch exist?", "balanced-context-exact"),
        ("Why does pipelining not shard the KV cache?", "stage-memory"),
        ("What does a price step at 200k reveal?", "kv-bytes-by-price-step"),
        ("Who earns when memory binds?", "memory-elasticity"),
        ("Who earns when power binds?", "worth-of-a-joule"),
        ("How long between checkpoints?", "best-checkpoint-interval"),
        ("How many chips does a site feed?", "chips-of-a-site"),
        ("How long to hold a KV cache rather than recompute it?", "hold-in-chip"),
        ("How much traffic does a machine need at least?", "minimum-efficient-scale"),
        ("Which tensor parallelism sends the fewest bytes?", "split-fewest-bytes"),
        ("How many hits does a small cache of prefixes have?", "hits-of-a-small-cache"),
        ("What is a second of latency worth?", "price-of-latency"),
        ("How many tokens of pre-training where much is served?", "tokens-when-served"),
        ("How much context parallelism beside tensor and data parallelism?", "context-among-axes"),
        ("When are experts gathered, when shared out?", "experts-gathered-or-shared-out"),
    ],
)
def test_a_question_finds_what_answers_it(question: str, name: str) -> None:
    assert name in [one.name for one in asked(question)][:5]


def test_words_that_say_nothing_find_nothing() -> None:
    assert not asked("what is the") and not asked("xyzzy") and not stems("how many of them")
    assert len(asked("memory bandwidth of a chip")) <= MOST


def test_a_question_on_the_command_line(run) -> None:
    code, out, err = run("derive", "who earns when power binds")
    assert (code, err) == (0, "") and "worth-of-a-joule" in out
    code, _, err = run("derive", "xyzzy plugh")
    assert code == 2 and err.count("\n") == 1 and "unknown derivation" in err


def test_a_theorem_in_a_few_lines(run) -> None:
    code, out, err = run("derive", "young-interval", "--short")
    assert (code, err) == (0, "") and len(out.splitlines()) <= 10
    assert "817.4 s" in out and "verified" in out and "by definition" not in out
    code, _, err = run("derive", "--short")
    assert code == 2 and "--short: name one derivation" in err
