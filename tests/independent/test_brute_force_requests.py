"""What a prefill sends, message by message, and the decode steps of a request one by one, against a count by hand."""

from collections import Counter
from itertools import product

import pytest
from conftest import asked as question_of
from conftest import case_of
from counted_passes import Pass, agree, fullest, prefill, prefill_passes, traversal
from counted_stage import Network, Work, attention_shard, messages

from steptime.model import symbols as q
from steptime.model.architecture import transformer as tf
from steptime.model.step.case import Case
from steptime.model.step.request import whole_request


def decode_passes(prompt: int, output: int) -> list[Pass]:
    """One token at a time; the prefill gave the first."""
    return [Pass(prompt + step, 1, 1) for step in range(output - 1)]


def sent(case: Case, passes: list[Pass], batch: int) -> tuple[float, float]:
    """Bytes that a chip sends on either tier, a mean over a stage: every token's, as in decode, but that chips which
    split a context gather keys and values instead of queries and results where those are fewer bytes."""
    model, layout, wide = case.accounts.model, case.layout, case.number(q.bytes_per_kv)
    tokens = sum(one.tokens for one in passes)
    whole = fullest(layout, batch)[1] * layout.dp * layout.pp * layout.replicas  # as if every rank were as full
    work = Work(whole * tokens, 0, dispatch=case.number(q.dispatch_bytes), domain=int(case.number(q.scale_up_domain)))
    here = fullest(layout, batch)[1] / layout.cp
    total = Counter(dict(zip(("up", "out"), messages(model, layout, work), strict=True)))
    for (layer, number), rank in product(model.kinds.items(), range(layout.tp)):
        mixer, ways = layer.attention, {"queries": Network(work.domain), "keys": Network(work.domain)}
        if layout.cp == 1 or not isinstance(mixer, tf.GroupedAttention):
            continue
        for place in range(layout.dp):
            chips = [rank + layout.tp * (one + layout.cp * place) for one in range(layout.cp)]
            heads = mixer.heads / layout.tp * here * tokens * work.sent
            ways["queries"].gather(chips, heads * mixer.head_dim)
            ways["queries"].gather(chips, heads * mixer.value_dim)
            elements = attention_shard(mixer, 0, rank, layout.tp)[1] * here * wide
            for one in passes:
                ways["keys"].gather(chips, elements * (one.before + one.tokens))
        cheaper = min(ways.values(), key=lambda way: way.bytes.total())
        for tier in ("up", "out"):
            total[tier] += number * (cheaper.bytes[tier] - ways["queries"].bytes[tier]) / layout.stage
    share = traversal(layout, batch, len(passes))
    return total["up"] * share, total["out"] * share


LINKED = [
    ("llama-3.1-70b", "tp=8,dp=2,pp=2", 8, 300, 0, 0),
    ("llama-3.1-70b", "tp=16,pp=3", 8, 300, 100, 50),
    ("llama-3.1-70b", "tp=2,cp=2", 8, 3000, 0, 0),
    ("llama-3.1-70b", "tp=2,cp=16", 8, 3000, 1000, 500),
    ("llama-3.1-70b", "tp=4,cp=2,pp=3", 8, 1100, 1000, 50),
    ("llama-2-7b", "cp=16,pp=2", 8, 300, 100, 0),
    ("palm-540b", "tp=2,pp=7", 8, 300, 0, 100),
    ("deepseek-v3", "dp=32,ep=32,pp=2,copies=per-expert", 64, 300, 0, 0),
    ("mixtral-8x7b", "dp=8,ep=8,replicas=2,copies=per-expert", 16, 300, 100, 100),
    ("qwen3-235b-a22b", "cp=2,dp=8,ep=16,copies=per-expert", 64, 300, 0, 100),
]
REQUESTS = [  # model, layout, batch, prompt, output
    ("llama-3.1-8b", "tp=16,dp=2,pp=2", 8, 100, 50),
    ("gemma-3-27b", "tp=4,dp=2", 16, 1000, 700),
    ("mixtral-8x7b", "tp=2,dp=2,ep=4", 7, 300, 40),
    ("deepseek-v2-lite", "tp=2,dp=4,ep=8", 16, 100, 50),
    ("deepseek-v3.2", "dp=8,ep=8", 16, 1900, 300),
    ("qwen3-next-80b-a3b", "tp=2", 16, 100, 50),
    ("nemotron-3-nano-30b-a3b", "dp=2,ep=2,pp=2", 16, 100, 50),
    ("gpt-oss-20b", "tp=2,replicas=2", 16, 100, 300),
    ("llama-4-maverick", "tp=4,cp=2", 16, 7000, 1000),
    ("llama-3.1-8b", "tp=2,cp=4,dp=3,replicas=2", 17, 100, 50),
]  # fmt: skip


@pytest.mark.parametrize("asked", LINKED, ids=str)
def test_a_prefill_counted_message_by_message(asked: tuple[str, str, int, int, int, int]) -> None:
    case = prefill(*asked)
    moved = [sum(case.number(getattr(line.traffic, tier)) for line in case.operations)
             for tier in ("scale_up", "scale_out")]  # fmt: skip
    assert moved == pytest.approx(sent(case, prefill_passes(*asked[3:]), asked[2]), rel=1e-9, abs=1e-3)


@pytest.mark.parametrize("asked", REQUESTS, ids=str)
def test_the_decode_steps_of_a_request_one_by_one(asked: tuple[str, str, int, int, int]) -> None:
    model, layout, batch, prompt, output = asked
    options = {"phase": "prefill", "batch": str(batch), "prompt": str(prompt), "output": str(output)}
    request = whole_request(question_of(model, "a100-sxm-80gb", layout=layout, **options))
    assert request.answer is not None
    agree(request.answer, decode_passes(prompt, output), batch)
    agree(request.prefill, prefill_passes(prompt), batch)
    steps = [case_of(model, "a100-sxm-80gb", batch=str(batch), context=str(at), layout=layout)
             for at in (prompt, prompt + 7)]  # fmt: skip
    for step, one in zip(steps, decode_passes(prompt, output)[::7], strict=False):
        agree(step, [one], batch)
