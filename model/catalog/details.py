"""What a row of measurements says beside its columns: key=value pairs, with ``;`` between them.

Numbers: inflight (mean sequences that decode), cached (tokens in the cache before), interleave (chunks a stage), drafts
(tokens drafted per pass), attention_bits (of a weight of attention, on average), peak (FLOP/s that a printed share is
of), ttft_s (mean time to the first token), power_w (of a chip), joules_per_output_token; of collectives bytes, tokens,
hidden, topk. Words: dtype, attention (causal, full: how a printed figure counts it), experts (the format of routed
experts' weights; in a collective their number), kv_heads (all: a printed figure counts keys and values of every query
head), mtp (yes: a figure per token of several a step), disaggregated (yes: the decode pool alone), stack.
"""

from collections.abc import Callable, Mapping

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.rows import nearly
from steptime.model.choices import Counted
from steptime.model.errors import UserError
from steptime.model.precision import BYTES, STORED
from steptime.model.quantity import lookup

Limits = tuple[float, float, bool]
"""Least and largest value of a number, and whether it is a whole one; lengths and batches may be means."""


def sane(symbol: Symbol, whole: bool = False) -> Limits:
    """The limits within which a quantity makes sense."""
    return (*lookup(symbol.name).sane, whole)


NUMBERS: Mapping[str, Limits] = {
    "inflight": sane(q.micro_batch), "cached": sane(q.cached), "interleave": sane(q.interleave, True),
    "drafts": sane(q.drafts, True), "attention_bits": (1, 32, False), "peak": sane(q.peak_flops),
    "ttft_s": (1e-6, 1e6, False), "power_w": (1, 1e5, False), "joules_per_output_token": (1e-9, 1e9, False),
    "bytes": (1, 1e18, False), "hidden": (1, 1e6, True), "topk": (1, 1e4, True),
}  # fmt: skip
"""Numbers that a detail may give; ``tokens`` too, of an all-to-all, where it is no word."""
YES = ("yes",)
WORDS: Mapping[str, tuple[str, ...]] = {
    "dtype": tuple(BYTES), "attention": tuple(Counted), "kv_heads": ("all",), "mtp": YES, "disaggregated": YES,
}  # fmt: skip
FORMAT_OF_EXPERTS = "experts"
OF_FIGURES = ("attention", "kv_heads", "peak", "ttft_s", "power_w", "joules_per_output_token", "latency_s")
"""Details of what was measured, or of how it was counted, and not of what ran."""
KNOWN = frozenset({*NUMBERS, *WORDS, "tokens", FORMAT_OF_EXPERTS, "stack"})

ENGINES: Mapping[str, str] = {"tensorrtllm": "trtllm", "trtllm": "trtllm", "trt": "trtllm"}
"""Serving engines that go by several names, without the signs between their parts."""


def pairs(text: str) -> dict[str, str]:
    """The pairs of a detail, each key once; a key that is nearly a known one is a slip, not a note.

    >>> pairs("inflight = 9.7; stack=TensorRT-LLM 1.0")
    {'inflight': '9.7', 'stack': 'trtllm 1.0'}
    """
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        key, separator, value = (piece.strip() for piece in part.partition("="))
        if not separator or not value:
            raise UserError(f"detail {part[:40]!r}: write key=value")
        if key in found:
            raise UserError(f"detail {key[:40]!r} occurs twice")
        if near := nearly(key, KNOWN):
            raise UserError(f"detail {key[:40]!r}: did you mean {near}?")
        found[key] = stack_of(value) if key == "stack" else value
    return found


def check_words(detail: Mapping[str, str], phase: str, one_of: Callable[[str, tuple[str, ...], str], None]) -> None:
    """Raises UserError for a word that a detail cannot be."""
    for name, allowed in WORDS.items():
        if name in detail:
            one_of(detail[name], allowed, f"detail {name}")
    if FORMAT_OF_EXPERTS in detail and phase != "all_to_all":
        one_of(detail[FORMAT_OF_EXPERTS], STORED, f"detail {FORMAT_OF_EXPERTS}")


def stack_of(text: str) -> str:
    """A serving engine and its version as the table writes them: small letters, one name an engine, a blank between.

    >>> stack_of("TensorRT-LLM v1.0.0"), stack_of("SGLang"), stack_of("dynamo-trt 0.8.1"), stack_of("vLLM  0.12.0")
    ('trtllm 1.0.0', 'sglang', 'dynamo-trtllm 0.8.1', 'vllm 0.12.0')
    """
    name, _, version = " ".join(text.lower().split()).partition(" ")
    orchestrator, dash, engine = name.partition("-")
    before = f"{orchestrator}-" if dash and orchestrator == "dynamo" else ""
    plain = engine if before else name
    plain = ENGINES.get("".join(filter(str.isalnum, plain)), plain)
    return f"{before}{plain} {version.removeprefix('v')}".strip()


def engine_of(stack: str) -> str:
    """The engine of a stack, without its version and whatever routes requests to it.

    >>> engine_of("dynamo-trtllm 0.8.1"), engine_of("sglang"), engine_of("")
    ('trtllm', 'sglang', '')
    """
    return stack.partition(" ")[0].removeprefix("dynamo-")
