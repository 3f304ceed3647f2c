"""Files of measurements with rows of our own, and how they are judged."""

from pathlib import Path

from steptime.model.catalog.measurement import read_measurements
from steptime.model.solver.measured.judged import Judged
from steptime.model.solver.measured.validate import validate

HEADER = ("id,phase,model,hardware,chips,weights,activations,kv,batch,prompt,output,context,sequence,microbatch,"
          "recompute,tp,pp,ep,dp,cp,scope,quantity,value,unit,confidence,source,detail,note")  # fmt: skip


def file_of(folder: Path, *rows: dict[str, str]) -> Path:
    names = HEADER.split(",")
    lines = [",".join(f'"{row.get(name, "")}"' for name in names) for row in rows]
    path = folder / "rows.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def judged_of(folder: Path, **row: str) -> Judged:
    (one,) = validate(read_measurements(file_of(folder, {"id": "A-001", "hardware": "h100-sxm", **row})))
    return one


DECODE = {"phase": "decode", "model": "llama-3.1-70b", "chips": "8", "weights": "fp8", "tp": "8", "batch": "16",
          "context": "2000", "scope": "steps", "quantity": "step_time", "value": "0.02"}  # fmt: skip


SERVING = DECODE | {"scope": "serving", "prompt": "1000", "output": "200", "context": "1100"}
REQUEST = DECODE | {"scope": "request", "prompt": "1000", "output": "200"}
TRAIN = {"phase": "train", "model": "llama-3.1-8b", "chips": "8", "dp": "8", "batch": "8", "sequence": "2048",
         "quantity": "step_time", "value": "2"}  # fmt: skip
REDUCE = {"phase": "all_reduce", "chips": "8", "quantity": "step_time", "value": "1", "detail": "bytes=4.5e9"}
EXCHANGE = {"phase": "all_to_all", "chips": "64", "quantity": "step_time", "value": "1",
            "detail": "tokens=128;hidden=7168;topk=8;dtype=fp8"}  # fmt: skip

CONFIG = """{"model_type": "llama", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 9,
             "num_attention_heads": 8, "num_key_value_heads": 8, "torch_dtype": "bfloat16"}"""
