"""Some two hundred commands over all phases, solvers, kinds of models and machines: what `record.py` records."""

from collections.abc import Iterator

DECODE = {
    "llama-3.1-70b": [
        "h100-sxm --layout tp=8",
        "h200-sxm",
        "mi300x --batch 256 --context 32k",
        "tpuv5p",
        "gb200-nvl72",
    ],
    "llama-3.1-8b": ["l40s", "h100-sxm --kv fp8 --weights fp8", "rtx4090 --batch 1", "tpuv6e --batch 8 --context 100k"],
    "llama-3.1-405b": ["h100-sxm --layout tp=8,pp=2", "gb200-nvl72 --overlap per-operation", "tpuv5p --layout tp=16"],
    "deepseek-v3": [
        "gb200-nvl72",
        "h100-sxm --layout dp=32,ep=32 --batch 2048 --experts all",
        "tpuv5p --batch 128",
        "h800-sxm --layout tp=4,dp=80,ep=320 --batch 4096",
        "h200-sxm --layout tp=8,cp=2,ep=16",
        "h100-sxm --layout dp=16,ep=16,copies=per-expert --set expert_load=1.5",
    ],
    "deepseek-v3.2": ["h200-sxm --context 128k", "gb300-nvl72 --batch 16 --context 1M"],
    "kimi-k2": ["gb200-nvl72 --batch 512", "h200-sxm --overlap none"],
    "gpt-oss-120b": ["h100-sxm", "b200-sxm --batch 32 --context 64k", "mi355x --weights bf16"],
    "qwen3-30b-a3b": ["h100-sxm --batch 1", "a100-sxm-80gb --layout tp=2,dp=2,ep=4,ffn=all"],
    "qwen3-next-80b-a3b": ["h200-sxm --context 262144", "tpu7x"],
    "gemma-3-27b": ["h100-sxm --context 128k", "tpuv5e"],
    "mixtral-8x7b": ["h100-sxm", "trainium2"],
    "llama-4-maverick": ["h200-sxm --context 1M --batch 4", "mi355x"],
    "minimax-m1": ["h200-sxm --context 1M --batch 8"],
    "nemotron-h-56b": ["h100-sxm --context 64k"],
    "gpt2": ["v100-sxm2-32gb --batch 1", "apple-m2-ultra"],
    "glm-4.5": [
        "h200-sxm --set drafts=2 --set acceptance=0.7",
        "h100-sxm --set drafts=1 --set acceptance=0.5 --kv fp8",
    ],
    "llama-2-7b": ["wse-3 --weights fp16 --activations fp16 --batch 4", "gaudi3 --batch 7 --context 777"],
    "llama-2-70b": ["h100-sxm --scope serving --prompt 2000 --output 300 --layout tp=8 --batch 128"],
    "qwen3.5-397b-a17b": ["gb200-nvl72 --scope serving --prompt 8k --output 1000 --batch 256"],
    "gpt3-175b": [
        "a100-sxm-80gb --set memory_efficiency=0.7 --set scale_up_latency=10us",
        "h100-sxm --set kv_bytes=1MB",
    ],
}
PREFILL = {
    "llama-3.1-70b": [
        "h100-sxm --prompt 8192 --layout tp=8",
        "h100-sxm --cached 2048 --output 500 --batch 4 --layout tp=8",
        "h100-sxm --prompt 128k --chunk 8k --layout tp=4,cp=2",
    ],
    "deepseek-v3": [
        "h200-sxm --prompt 32k --layout dp=8,tp=4,ep=32 --batch 32",
        "gb200-nvl72 --prompt 64k --cached 32k --chunk 4k",
        "h100-sxm --prompt 4096 --output 2 --batch 64",
    ],
    "deepseek-v3.2": ["h200-sxm --prompt 100k --chunk 10k"],
    "gpt-oss-120b": ["b200-sxm --prompt 16k --chunk 512 --batch 3"],
    "llama-4-maverick": ["h200-sxm --prompt 100k"],
    "qwen3-next-80b-a3b": ["h200-sxm --prompt 64k --chunk 4k --output 100"],
    "minimax-m1": ["h200-sxm --prompt 200k"],
    "gemma-3-27b": ["tpuv5p --prompt 32k --overlap per-operation"],
    "mixtral-8x22b": ["mi300x --prompt 2k --batch 16"],
    "qwen3-32b": ["l40s --prompt 1000 --weights int4"],
}
TRAIN = {
    "gpt3-175b": [
        "a100-sxm-80gb --layout tp=8,pp=8 --batch 64 --sequence 2048 --interleave 3 --recompute selective "
        "--sequence-parallel --dropout --attention full",
        "h100-sxm --layout tp=8,pp=12,replicas=16 --batch 1536",
    ],
    "llama-3.1-70b": [
        "h100-sxm --layout tp=8,pp=4,dp=8 --batch 1024 --zero 1 --tokens 15T",
        "h100-sxm --layout tp=4,dp=64 --batch 512 --zero 3 --recompute full",
        "tpuv5p --batch 512",
    ],
    "llama-3.1-405b": [
        "h100-sxm --layout tp=8,pp=16,dp=8 --batch 512 --schedule zb-h1",
        "h100-sxm --layout tp=8,cp=2,pp=9,dp=8 --batch 128 --sequence 32k --schedule zb-h2",
    ],
    "deepseek-v3": [
        "h800-sxm --layout dp=64,ep=64,pp=16,replicas=2 --batch 15360 --set served_tokens=1e15",
        "gb200-nvl72 --batch 2048 --layout dp=72,ep=72,pp=4 --batch 1440",
    ],
    "mixtral-8x7b": ["h100-sxm --layout dp=8,ep=8,tp=2 --batch 64 --zero 2"],
    "qwen3-next-80b-a3b": ["h100-sxm --layout tp=4,dp=8,ep=32,ffn=all --batch 64"],
    "megatron-gpt-22b": ["a100-sxm-80gb --layout tp=8 --batch 4 --microbatch 4 --recompute reversible --sequence 2048"],
}
SWEPT = ("llama-3.1-8b", "gemma-2-27b", "deepseek-v2-lite", "glm-4.6", "gpt-oss-20b", "mixtral-8x22b", "phi-3.5-mini",
         "qwen2.5-72b", "qwen3-235b-a22b", "opt-175b", "nemotron-3-nano-30b-a3b", "mistral-7b-v0.1")  # fmt: skip
MACHINES = (("a100-sxm-40gb", 16), ("b300-sxm", 1000), ("mi325x", 3), ("tpuv4", 64))
RANGED = [
    "step llama-3.1-70b h100-sxm --layout tp=8 --range memory_efficiency=0.6..0.9 --range context=2k..32k",
    "step deepseek-v3 gb200-nvl72 --range expert_load=1..2 --range batch=16..256 --overlap per-operation",
    "step gpt3-175b a100-sxm-80gb --phase train --layout tp=8,pp=8 --batch 64 --range compute_efficiency=0.4..0.6",
    "solve batch llama-3.1-70b h100-sxm --layout tp=8 --range context=4k..8k",
    "solve crossover llama-3.1-70b h100-sxm --layout tp=8 --context 1000 --range memory_bandwidth=3TB/s..4TB/s",
    "solve cache deepseek-v3 h100-sxm --context 32k --range chip_hour_price=2..4",
]
CROSSOVER = [
    "llama-3.1-70b h100-sxm --layout tp=8 --context 1000",
    "llama-3.1-70b h100-sxm --layout tp=8 --over context",
    "llama-3.1-70b h100-sxm --layout tp=8 --over memory_bandwidth",
    "deepseek-v3 gb200-nvl72 --between memory,interconnect",
    "deepseek-v3 h100-sxm --layout dp=32,ep=32 --between scale_up,scale_out --over scale_out_bandwidth",
    "gemma-3-27b h100-sxm --over context",
    "gpt-oss-120b h100-sxm",
    "qwen3-30b-a3b h100-sxm --between compute,interconnect",
    "llama-3.1-8b tpuv5e --over peak_flops",
    "mixtral-8x7b h100-sxm --over bytes_per_weight",
    "llama-3.1-70b h100-sxm --phase prefill --over prompt --layout tp=8 --between memory,compute",
    "gpt3-175b a100-sxm-80gb --phase train --layout tp=8,pp=8 --between compute,interconnect --over scale_up_bandwidth",
]
BATCH = [
    "llama-3.1-70b h100-sxm --layout tp=8 --context 8192 --max-step-time 15ms",
    "deepseek-v3 gb200-nvl72",
    "llama-3.1-70b h100-sxm --layout tp=8 --context 1000",
    "llama-3.1-8b h100-sxm --minimise latency",
    "llama-3.1-70b tpuv5p",
    "deepseek-v3 h100-sxm --layout dp=32,ep=32 --overlap per-operation --minimise chip-seconds",
    "gpt-oss-120b h100-sxm --overlap none",
    "mixtral-8x7b h100-sxm --minimise energy --limit batch<=512",
    "llama-3.1-405b h100-sxm --layout tp=8,pp=2 --limit tokens_per_second_per_sequence>=20",
    "kimi-k2 gb200-nvl72",
    "llama-3.1-70b h100-sxm --layout tp=8 --phase prefill --prompt 2k",
    "qwen3-8b l40s --context 512",
    "gpt3-175b a100-sxm-80gb --phase train --layout tp=8,pp=8 --batch 64",
]
LAYOUT = [
    "llama-3.1-70b h100-sxm h200-sxm --chips 4,8 --kv bf16 --max-step-time 30ms",
    "deepseek-v3 gb200-nvl72 --chips 36",
    "llama-3.1-8b l40s --chips 1,2 --minimise latency",
    "gpt-oss-120b h100-sxm --chips 8 --batch 1,16,256",
    "llama-3.1-70b h100-sxm --chips 8 --phase prefill --prompt 4k --max-ttft 2s",
    "megatron-gpt-22b a100-sxm-80gb --chips 8 --phase train --batch 8 --sequence 2048",
    "mixtral-8x7b h100-sxm --chips 8 --layout dp=8 --overlap per-operation",
    "llama-3.1-70b tpuv5p --chips 16 --minimise chip-seconds --csv",
]
MACHINE = [
    "deepseek-v3 --prices {prices-market} --budget 3.1e6 --minimise cost --context 32k",
    "deepseek-v3 --prices {prices-market} --budget 3.1e6 --layout dp=72,ep=72 --batch 4096",
    "llama-3.1-70b --prices {prices-manufacturing} --budget 1e5 --layout tp=8 --batch 64",
    "deepseek-v3 --prices {prices-market} --budget 4e6 --minimise energy --layout dp=72,ep=72 --batch 2048",
    "llama-3.1-70b --prices {prices-market} --budget 2e6 --workload 'weight=0.7 batch=64 context=8k layout=tp=8' "
    "--workload 'weight=0.3 phase=prefill batch=8 prompt=4k layout=tp=8'",
    "llama-3.1-70b --prices {prices-market} --budget 5e5 --layout tp=8 --batch 256 --overlap none "
    "--range budget=4e5..6e5",
    "deepseek-v3 --from h100-sxm --prices {prices-market} --layout dp=32,ep=32",
    "llama-3.1-70b --from h100-sxm --layout tp=8",
    "gpt-oss-120b --from b200-sxm --batch 64",
    "llama-3.1-70b --from h200-sxm --layout tp=4 --range context=4k..16k",
]
CACHE = [
    "deepseek-v3 h100-sxm --context 32k --reuse 'lomax shape=1.5 scale=5min share=0.6'",
    "llama-3.1-70b h100-sxm",
    "deepseek-v3 gb200-nvl72 --context 128k --reuse 'exponential mean=10min'",
    "gemma-3-27b h200-sxm --tiers {tiers}",
    "llama-3.1-405b h100-sxm --weights fp8 --reuse 'weibull shape=0.5 scale=10min share=0.6'",
    "gpt-oss-120b b200-sxm --set chip_hour_price=3",
]
SOLVE_FOR = [
    "memory_bandwidth --in ridge --set bytes_per_weight=1 --set peak_flops=1979TFLOP/s --range ridge=200..400",
    "micro_batch --in memory --set memory_time=20ms --set parameters_read=70e9 --set bytes_per_weight=2 "
    "--set weight_shards=8 --set kv_shards=8 --set kv_bytes=327680 --set context=4096 --set kv_written=327680 "
    "--set memory_bandwidth=3.35TB/s",
    "pretraining_tokens --in pretraining-by-served --set served_tokens=1e15 --set decode_efficiency=0.3",
    "drafts --in tokens-per-pass --set tokens_per_pass=2.5 --set acceptance=0.7",
    "untouched_share --in experts-touched --set experts_routed=256 --set experts_per_token=8 "
    "--set micro_batch=64 --set pass_tokens=1",
    "bubble_ratio --in bubble-over-ideal --set pipeline_parallel=16 --set micro_batches=64 --set interleave=1",
]
CATALOG = ["hardware", "models", "hardware h100-sxm", "hardware gb200-nvl72", "hardware tpuv5p", "models deepseek-v3",
           "models gemma-3-27b", "models nemotron-h-56b", "models gpt2", "hardware mi355x"]  # fmt: skip
DERIVE = ["derive memory-cost", "derive optimal-batch", "derive balanced-machine", "derive --claims", "latex memory",
          "latex memory-cost --format c", "latex optimal-batch", "latex ridge --format python", "derive --graph",
          "latex bubble-over-ideal --format markdown"]  # fmt: skip


def commands() -> Iterator[str]:
    for phase, cases in (("decode", DECODE), ("prefill", PREFILL), ("train", TRAIN)):
        for model, endings in cases.items():
            yield from (f"step {model} {ending} --phase {phase}" for ending in endings)
    yield from (f"step {model} {machine} --batch {batch}" for model in SWEPT for machine, batch in MACHINES)
    yield from RANGED
    groups = {"crossover": CROSSOVER, "batch": BATCH, "layout": LAYOUT, "machine": MACHINE, "cache": CACHE,
              "for": SOLVE_FOR}  # fmt: skip
    files = {name: f"examples/{name}.toml" for name in ("prices-market", "prices-manufacturing", "tiers")}
    for name, group in groups.items():
        yield from (f"solve {name} {line}".format_map(files) for line in group)
    yield from (f"catalog {line}" for line in CATALOG)
    yield from DERIVE
    yield "validate"
