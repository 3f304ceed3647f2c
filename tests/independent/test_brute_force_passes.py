"""Prefills against a count by hand: chip by chip, token by token, chunk by chunk."""


import pytest
from counted_passes import agree, prefill, prefill_passes

PREFILLS = [  # model, layout, batch, prompt, cached, chunk
    ("llama-3.1-8b", "tp=2", 8, 100, 0, 0),
    ("llama-3.1-8b", "tp=16,dp=2,replicas=2", 12, 4000, 1000, 500),
    ("llama-3.1-8b", "tp=2,cp=2,dp=2,pp=3,ffn=all", 10, 20000, 9000, 1100),
    ("gemma-3-27b", "cp=2,dp=2", 10, 8000, 0, 0),
    ("gemma-3-27b", "tp=4,cp=2,pp=2", 10, 1000, 200, 200),
    ("gemma-3-27b", "tp=32", 10, 12000, 9000, 0),
    ("gemma-3-27b", "cp=2,dp=2", 6, 9000, 3000, 1500),
    ("mixtral-8x7b", "dp=4,ep=4", 8, 100, 0, 0),
    ("mixtral-8x7b", "tp=2,dp=3,ep=6,pp=5", 33, 9000, 3000, 1500),
    ("deepseek-v2-lite", "tp=2,dp=2,ep=4", 6, 6000, 0, 100),
    ("deepseek-v2-lite", "cp=2,dp=2,pp=2", 10, 6000, 1200, 400),
    ("deepseek-v2-lite", "tp=2,replicas=2", 10, 12000, 9000, 0),
    ("deepseek-v3", "dp=16,ep=16", 16, 6000, 0, 150),
    ("deepseek-v3", "cp=4,ep=2", 10, 1100, 1000, 0),
    ("deepseek-v3.2", "dp=4,ep=4", 8, 9000, 0, 0),
    ("deepseek-v3.2", "cp=2,dp=2,pp=2,ffn=all", 10, 20000, 9000, 1100),
    ("deepseek-v3.2", "dp=2,replicas=2", 10, 12000, 9000, 0),
    ("deepseek-v3.2", "tp=4", 4, 9000, 0, 1000),
    ("glm-5", "dp=2,ep=2", 10, 9000, 1000, 200),
    ("glm-5", "tp=2,pp=2", 10, 9000, 1000, 200),
    ("qwen3-next-80b-a3b", "tp=4,dp=2,ep=8", 6, 100, 0, 0),
    ("qwen3-next-80b-a3b", "cp=2,dp=2", 6, 9000, 3000, 1500),
    ("nemotron-3-nano-30b-a3b", "tp=2,dp=2,pp=2", 10, 1000, 0, 250),
    ("minimax-m1", "tp=8,pp=2", 10, 12000, 9000, 0),
    ("gpt-oss-20b", "tp=16,ep=16", 6, 900, 0, 0),
    ("gpt-oss-20b", "dp=4,ep=4", 6, 128, 28, 25),
    ("gpt-oss-20b", "tp=4,ep=4", 6, 900, 300, 120),
    ("llama-4-maverick", "tp=2,dp=2,ep=4", 10, 8000, 2000, 1000),
    ("llama-3.3-nemotron-super-49b", "tp=2,dp=2", 6, 9000, 3000, 1500),
    ("palm-540b", "tp=16", 6, 100, 40, 20),
    ("gpt2", "tp=3,dp=2", 6, 100, 40, 20),
]
CUT_WINDOWS = [
    ("llama-4-maverick", "cp=2", 2, 30000, 9000, 1500),
    ("llama-4-maverick", "tp=8", 2, 9000, 100, 0),
]


@pytest.mark.parametrize("asked", PREFILLS, ids=str)
def test_a_prefill_counted_token_by_token(asked: tuple[str, str, int, int, int, int]) -> None:
    agree(prefill(*asked), prefill_passes(*asked[3:]), asked[2], in_chunks=True)


@pytest.mark.parametrize("asked", CUT_WINDOWS, ids=str)
def test_pairs_in_fixed_chunks(asked: tuple[str, str, int, int, int, int]) -> None:
    agree(prefill(*asked), prefill_passes(*asked[3:]), asked[2], cache=False, in_chunks=True)
