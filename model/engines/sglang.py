"""SGLang: `python -m sglang.launch_server`.

With attention data parallelism ``--tp-size`` counts all chips of a stage and ``--dp-size`` divides them; without it its
data parallelism is copies. Dense blocks are then split over the whole stage, or with
``--moe-dense-tp-size 1`` not at all; shared experts are whole on each chip with an all-to-all backend.
"""

from typing import Any

from steptime.model.choices import EngineName, Format
from steptime.model.engines.rules import EXPERTS, KV_HEADS, SERVING, Blocks, Degrees, Engine, Rule, Written, cache_said
from steptime.model.engines.script import checkpoint_note, longest, own_format, quantised, script, shared_by
from steptime.model.phases.accounts import Accounts
from steptime.model.step.case import Case
from steptime.model.step.formats import usual_kv
from steptime.model.step.inputs import Inputs

CACHES = {Format.BF16: "bfloat16", Format.FP8: "fp8_e4m3", Format.FP4: "fp4_e2m1"}


def _objects(inputs: Inputs, accounts: Accounts) -> str | None:
    kv = usual_kv(inputs, accounts)
    known = kv in CACHES or (kv == Format.FP16 and accounts.kv is None)
    return None if known else f"a KV cache in {kv}: --kv-cache-dtype has bf16, fp8 and fp4 (e2m1)"


def _alone(degrees: Degrees, blocks: Blocks) -> Any:
    """Where dense blocks are split by tp alone beside data-parallel attention: a chip has all of each, tp being 1."""
    return (degrees.stage > degrees.tp) & (degrees.ffn_all == 0) & bool(blocks.experts and blocks.dense)


def _written(case: Case, checkpoint: str) -> Written:
    layout, degrees = case.layout, Degrees.of(case.layout)
    assert case.accounts.transformer is not None, "a layout is of an architecture"
    blocks = Blocks.of(case.accounts.transformer)
    alone = bool(_alone(degrees, blocks))
    attention = layout.dp > 1 and (blocks.experts > 0 or bool(degrees.ffn_all))
    lines = script(f"python -m sglang.launch_server --model-path {checkpoint}", {
        "--tp-size": str(layout.stage if attention else layout.tp),
        "--pp-size": layout.pp,
        "--dp-size": layout.dp,
        "--enable-dp-attention": attention,
        "--ep-size": layout.ep,
        "--moe-dense-tp-size": "1" if alone else None,
        "--moe-a2a-backend": "deepep" if alone and blocks.shared else None,
        "--quantization": quantised(case),
        "--kv-cache-dtype": cache_said(CACHES, Format(case.precision["kv"]), case.accounts),
        # Of the whole server, which shares it among attention's ranks; of each copy where there are copies.
        "--max-running-requests": shared_by(case, layout.replicas * (1 if attention else layout.dp)),
        "--context-length": longest(case),
    })  # fmt: skip
    stored = own_format(case) if quantised(case) else None
    return Written(lines, layout.replicas, (checkpoint_note(case, stored),))


SGLANG = Engine(
    EngineName.SGLANG,
    "SGLang",
    SERVING,
    (
        Rule(lambda d, m, _: d.cp == 1, "cp={cp}: its context parallelism is of prefills of some models, and is not "
             "written here"),
        EXPERTS,
        Rule(lambda d, m, _: (d.tp == 1) | (_alone(d, m) == 0),
             "tp={tp} of {stage} chips: with attention data parallelism it splits dense blocks over all chips of a "
             "stage (ffn=all) or not at all (tp=1)"),
        Rule(lambda d, m, _: (d.ep == d.stage) | (not m.shared) | (_alone(d, m) == 0),
             "ep={ep} of {stage} chips: shared experts are whole on a chip with the all-to-all backend, which puts "
             "experts on all chips; ffn=all splits them"),
        KV_HEADS,
    ),
    _objects,
    _written,
    (
        "docs.sglang.io, Server Arguments: options and cache types",
        "docs.sglang.io, DP, DPA and SGLang DP Router: tp_size % dp_size == 0, --dp-size with --enable-dp-attention",
        "sglang/srt/server_args.py: moe_dense_tp_size is 1 or unset; sglang/srt/models/deepseek_v2.py: shared experts; "
        "sglang/srt/layers/moe: experts divide by ep_size",
        "sglang/srt/managers: max_running_requests is divided by dp_size with attention data parallelism",
    ),
    "2026-11-30",
)  # fmt: skip
