"""Measurements against the ideal: rows of each kind by hand, reasons instead of guesses, errors with row and column."""

import re
from pathlib import Path

import pytest
from conftest import asked, case_of

from steptime.model import symbols as q
from steptime.model.catalog.measurement import Measurement, catalogue, read_measurements
from steptime.model.choices import Load
from steptime.model.errors import UserError
from steptime.model.solver.measured.judged import Judged, summary
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.validate import validate
from steptime.model.step.build import build_case
from steptime.model.step.request import whole_request

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


def test_a_decode_step_is_judged_by_its_case(tmp_path: Path) -> None:
    one = judged_of(tmp_path, **DECODE)
    case = case_of("llama-3.1-70b", "h100-sxm", batch="16", context="2000", layout="tp=8", weights="fp8", kv="fp8")
    assert (one.measured, one.ideal) == (0.02, case.scenario.evaluate(q.step_time))
    assert one.bottleneck == "memory" and one.layout == "tp=8,cp=1,dp=1,ep=1,pp=1,replicas=1" and not one.beats_ideal


def test_a_row_faster_than_physics_is_named(tmp_path: Path, run_json, run) -> None:
    slow = DECODE | {"id": "S-002", "hardware": "h100-sxm"}
    path = file_of(tmp_path, {**DECODE, "id": "S-001", "hardware": "h100-sxm", "value": "0.0001"}, slow)
    data = run_json("validate", str(path))
    assert data["beats_ideal"] == ["S-001"] and data["rows"][0]["ratio"] > 1 > data["rows"][1]["ratio"]
    assert data["summary"]["S decode"]["beat_ideal"] == 1 and data["rows"][0]["calibrated"] > data["rows"][0]["ideal"]
    code, out, err = run("validate", str(path), "--rows")
    assert (code, err) == (0, "") and "faster than the ideal" in out and "S-002" in out


def test_replicas_share_chips_and_batch(tmp_path: Path) -> None:
    one = judged_of(tmp_path, **(DECODE | {"chips": "16", "batch": "32"}))
    assert one.layout == "tp=8,cp=1,dp=1,ep=1,pp=1,replicas=2"
    assert one.ideal == judged_of(tmp_path, **DECODE).ideal


def test_without_a_layout_the_fastest_is_the_bound(tmp_path: Path) -> None:
    free = judged_of(tmp_path, **(DECODE | {"tp": ""}))
    assert free.ideal is not None and free.ideal <= (judged_of(tmp_path, **DECODE).ideal or 0)


def test_a_request_is_a_prefill_and_the_steps_after_it(tmp_path: Path) -> None:
    row = DECODE | {"prompt": "500", "output": "101", "context": "550", "scope": "request",
                    "quantity": "tokens_per_second", "value": "400"}  # fmt: skip
    one = judged_of(tmp_path, **row)
    assert one.measured == pytest.approx(16 * 101 / 400)
    options = {"layout": "tp=8", "weights": "fp8", "kv": "fp8", "batch": "16"}
    prefill = case_of("llama-3.1-70b", "h100-sxm", phase="prefill", prompt="500", **options)
    steps = [
        case_of("llama-3.1-70b", "h100-sxm", context=str(500 + step), **options).scenario.evaluate(q.step_time)
        for step in range(100)
    ]
    # Memory binds in every step, so that the closed form is their sum.
    assert one.ideal == pytest.approx(prefill.scenario.evaluate(q.step_time) + sum(steps), rel=1e-12)


@pytest.mark.parametrize("model", ["gemma-3-27b", "gpt-oss-20b", "qwen3-next-80b-a3b", "deepseek-v2-lite"])
def test_the_terms_of_an_answer_are_sums_over_its_steps(model: str) -> None:
    """Windows, experts, recurrent states and latents: each term of the closed form is that of 40 steps added up."""
    options = {"batch": "8", "layout": "tp=2"}
    answer = whole_request(asked(model, "h200-sxm", phase="prefill", prompt="1010", output="41", **options)).answer
    assert answer is not None
    steps = [case_of(model, "h200-sxm", context=str(1010 + step), **options).times for step in range(40)]
    for name, time in answer.times.items():
        assert time == pytest.approx(sum(step[name] for step in steps), rel=1e-12), name
    at_the_end = case_of(model, "h200-sxm", context="1050", **options)
    assert answer.number(answer.fullest_stage.kv) == pytest.approx(at_the_end.number(at_the_end.fullest_stage.kv))


def test_an_mfu_is_the_time_that_it_implies(tmp_path: Path) -> None:
    """Its FLOP count is 0.1445 TFLOP a token at 2083 tokens of prompt (attention in full), as that source states."""
    row = {"phase": "prefill", "model": "llama-3.1-70b", "chips": "4", "tp": "4", "batch": "1", "prompt": "2083",
           "scope": "steps", "quantity": "mfu", "value": "0.4022", "weights": "bf16"}  # fmt: skip
    one = judged_of(tmp_path, **row)
    assert one.measured == pytest.approx(0.1445e12 * 2083 / (0.4022 * 4 * 989e12), rel=2e-3)


def test_a_unit_is_converted(tmp_path: Path) -> None:
    assert judged_of(tmp_path, **DECODE | {"value": "20", "unit": "ms"}).measured == pytest.approx(0.02)


def test_serving_is_bound_by_the_decode_step_of_the_sequences_in_flight(tmp_path: Path) -> None:
    row = DECODE | {"scope": "serving", "prompt": "1000", "output": "200", "context": "1100", "detail": "inflight=9.7"}
    one = judged_of(tmp_path, **row)
    whole = asked("llama-3.1-70b", "h100-sxm", batch="9", context="1100", layout="tp=8", weights="fp8", kv="fp8")
    mean = build_case(whole.but({q.batch: 9.7}, load=Load.AT_LEAST_ONE))
    assert one.ideal == mean.scenario.evaluate(q.step_time) > build_case(whole).scenario.evaluate(q.step_time)
    assert one.in_flight is not None and one.in_flight > one.ideal


@pytest.mark.parametrize(("row", "ideal", "tier"), [
    pytest.param({"phase": "all_reduce", "chips": "8", "detail": "bytes=4.5e9"}, 0.01, "scale_up",
                 id="in the switch: 4.5e9 B once over 450e9 B/s"),
    pytest.param({"phase": "all_gather", "chips": "8", "detail": "bytes=4.5e9"}, 0.01 * 7 / 8, "scale_up",
                 id="all-gather: 7/8 of the buffer"),
    pytest.param({"phase": "all_to_all", "chips": "64", "detail": "tokens=128;hidden=7168;topk=8;dtype=fp8"},
                 128 * 7168 * 8 * (1 - (7 / 8) ** 8) * 7 / 8 / 50e9, "scale_out",
                 id="8 (1 - (7/8)^8) domains a token, 7/8 of them remote, over 50e9 B/s"),
    pytest.param({"phase": "all_to_all", "chips": "8", "detail": "bytes=8e6"}, 7e6 / 450e9, "scale_up",
                 id="a send buffer: 1/8 stays"),
])  # fmt: skip
def test_collectives_by_hand(tmp_path: Path, row: dict[str, str], ideal: float, tier: str) -> None:
    one = judged_of(tmp_path, quantity="step_time", value="1", **row)
    assert one.ideal == pytest.approx(ideal, rel=1e-9) and one.bottleneck == tier


@pytest.mark.parametrize(("change", "why"), [
    ({"phase": "train"}, "sequence is not stated"),
    ({"model": "llama-9"}, "unknown model"),
    ({"batch": ""}, "batch is not stated"),
    ({"tp": "3"}, "no multiple|does not divide"),
    ({"quantity": "hfu"}, "hfu of a decode"),
    ({"hardware": "h9000"}, "unknown hardware"),
    ({"scope": "request"}, "prompt is not stated"),
    ({"activations": "fp4"}, "no peak_flops.fp4"),
])  # fmt: skip
def test_what_cannot_be_modelled_says_why(tmp_path: Path, change: dict[str, str], why: str) -> None:
    one = judged_of(tmp_path, **(DECODE | change))
    assert one.ideal is None and re.search(why, one.why), one.why


SERVING = DECODE | {"scope": "serving", "prompt": "1000", "output": "200", "context": "1100"}
REQUEST = DECODE | {"scope": "request", "prompt": "1000", "output": "200"}
TRAIN = {"phase": "train", "model": "llama-3.1-8b", "chips": "8", "dp": "8", "batch": "8", "sequence": "2048",
         "quantity": "step_time", "value": "2"}  # fmt: skip
REDUCE = {"phase": "all_reduce", "chips": "8", "quantity": "step_time", "value": "1", "detail": "bytes=4.5e9"}
EXCHANGE = {"phase": "all_to_all", "chips": "64", "quantity": "step_time", "value": "1",
            "detail": "tokens=128;hidden=7168;topk=8;dtype=fp8"}  # fmt: skip

CONFIG = """{"model_type": "llama", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 9,
             "num_attention_heads": 8, "num_key_value_heads": 8, "torch_dtype": "bfloat16"}"""

BAD_CELLS = [
    ({"unit": "GB"}, "expected s"),
    ({"unit": "\x1b[31m"}, r"no known unit"),
    ({"quantity": "mfu", "value": "40"}, "not per cent"),
    ({"recompute": "foo"}, "not one of none, selective"),
    ({"phase": "dream"}, "phase 'dream' is not one of"),
    ({"scope": "requst"}, "scope 'requst' is not one of steps, request, serving"),
    ({"scope": "request", "phase": "prefill"}, "scope request is of a decode row"),
    ({"quantity": "speed"}, "quantity 'speed' is not one of"),
    ({"weights": "fp5"}, "weights 'fp5' is not one of"),
    *(({"value": value}, "value: ") for value in ("fast", "-1", "0", "nan", "inf", "", "1e400")),
    *(({"chips": chips}, "chips") for chips in ("2.5", "0", "nan", "inf", "1e29", "", "many")),
    *(({"tp": degree}, "tp: .* whole number between 1 and") for degree in ("0", "2.5", "nan", "inf", "1e29")),
    *(({"batch": batch}, "batch: ") for batch in ("abc", "nan", "inf", "0", "0.5", "-1", "1e29", "9" * 5000)),
    *(({"context": length}, "context: ") for length in ("0", "0.5", "nan", "1e29")),
    *((SERVING | {"detail": f"inflight={text}"}, "detail inflight: ") for text in ("abc", "nan", "inf", "0", "-1")),
    (SERVING | {"detail": "inflight="}, "write key=value"),
    (SERVING | {"detail": "inflight 9.7"}, "write key=value"),
    (SERVING | {"detail": "infligth=9.7"}, "did you mean inflight"),
    (SERVING | {"detail": "inflight=9.7;inflight=1"}, "'inflight' occurs twice"),
    *((REQUEST | {"detail": f"cached={text}"}, "detail cached: ") for text in ("abc", "nan", "inf", "-5", "1e29")),
    (REQUEST | {"output": "0"}, "output: '0' is not a number between 1"),
    *((TRAIN | {"detail": f"interleave={text}"}, "interleave: ") for text in ("abc", "nan", "inf", "0", "0.5", "1.5")),
    *((TRAIN | {"microbatch": text}, "microbatch: .* whole") for text in ("0", "0.5", "1.5", "nan")),
    (TRAIN | {"quantity": "mfu", "value": "0.4", "detail": "attention=cuasal"}, "not one of causal, full"),
    *((REDUCE | {"detail": f"bytes={text}"}, "detail bytes: ") for text in ("abc", "nan", "inf", "0", "-1", "1e400")),
    (REDUCE | {"detail": ""}, "detail bytes is not stated"),
    *((row | {"chips": "1"}, "nobody to exchange") for row in (REDUCE, EXCHANGE, REDUCE | {"phase": "all_gather"})),
    (EXCHANGE | {"detail": "tokens=128;hidden=7168;topk=8;dtype=fp9"}, "dtype 'fp9' is not one of"),
    *((EXCHANGE | {"detail": f"tokens=128;hidden=7168;topk={text}"}, "detail topk: ")
      for text in ("0", "2.5", "inf", "1e30")),
    (EXCHANGE | {"detail": "tokens=nan;hidden=7168;topk=8"}, "detail tokens: "),
    ({"id": ""}, "id: expected one line of text"),
    ({"id": "x\x1b[31m"}, "id: expected one line of text"),
    ({"id": "S-002"}, "id 'S-002' is that of line 2"),
    ({"note": "x" * 200_000}, "field larger than"),
    *(({"model": name}, "is a path") for name in ("../../x", "/dev/zero", "toy.toml", "..", "a\\b", "C:\\x.json")),
    *(({"hardware": name}, "is a path") for name in ("/dev/zero", "./toy.toml", "toy.toml", "../h100-sxm")),
    ({"model": "nowhere"}, "unknown model"),
    ({"model": "x" * 5000}, "unknown model"),
    ({"model": "a\0b"}, "unknown model"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "why"), BAD_CELLS, ids=[str(place) for place in range(len(BAD_CELLS))])
def test_a_bad_cell_spoils_its_own_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], why: str
) -> None:
    """It says why, and on which line; nothing takes its place, and the rows around it are as they were. Files that lie
    about are not read, whatever a row calls them."""
    (tmp_path / "nowhere").write_text(CONFIG)
    (tmp_path / "toy.toml").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)
    good = {**DECODE, "hardware": "h100-sxm"}
    path = file_of(tmp_path, {**good, "id": "S-002"}, {**good, "id": "S-001", **change}, {**good, "id": "S-003"})
    before, bad, after = validate(read_measurements(path), Places(tmp_path, tmp_path))
    assert before.ideal == after.ideal == judged_of(tmp_path, **DECODE).ideal and not before.why
    assert (bad.ideal, bad.measured, bad.in_flight, bad.row.line) == (None, None, None, 3)
    assert re.search(why, bad.why) and bad.why.isprintable() and len(bad.why) < 400, bad.why
    assert bad.row.id in ("S-001", change.get("id"), "line 3") and bad.row.id.isprintable()


def test_a_bad_row_is_shown_with_its_line(tmp_path: Path, run_json, run) -> None:
    good = {**DECODE, "hardware": "h100-sxm"}
    rows = [{**good, "id": f"S-00{place}", **({} if place == 1 else {"batch": "nan"})} for place in (1, 2, 3)]
    path = file_of(tmp_path, *rows)
    statuses = [row["status"] for row in run_json("validate", str(path))["rows"]]
    why = "batch: 'nan' is not a number between 1 and 1e+09"
    assert statuses == ["ok", f"not modelled: {why}, line 3", f"not modelled: {why}, line 4"]
    code, out, err = run("validate", str(path), "-v")
    assert (code, err) == (0, "") and f"2 rows: {why}, lines 3, 4" in " ".join(out.split())


def test_a_quote_that_is_never_closed_takes_no_other_row_with_it(tmp_path: Path) -> None:
    good = {**DECODE, "hardware": "h100-sxm"}
    path = file_of(tmp_path, *({**good, "id": f"S-00{place}"} for place in (1, 2, 3)))
    lines = path.read_text().splitlines()
    lines[2] = '"' + lines[2]
    path.write_text("\r\n".join(["\ufeff" + lines[0], "", *lines[1:], "," * 20]), encoding="utf-8")
    found = {one.row.line: one.why for one in validate(read_measurements(path))}
    assert list(found) == [3, 4, 5] and found[3] == found[5] == "" and "not valid CSV" in found[4]


def test_inflight_may_stand_beside_spaces(tmp_path: Path) -> None:
    spaced, plain = (judged_of(tmp_path, **SERVING | {"detail": text}) for text in ("inflight = 9.7 ", "inflight=9.7"))
    assert spaced.ideal == plain.ideal != judged_of(tmp_path, **SERVING).ideal


@pytest.mark.parametrize(("text", "message"), [
    ("", "no header"),
    (HEADER, "no row below the header"),
    (HEADER.replace("batch,", ""), None),
    (HEADER.replace("value,", ""), "line 1: no column value"),
    (HEADER + ",batch", "line 1: column 'batch' occurs twice"),
    (HEADER.replace("context", "contxt"), "line 1: column 'contxt': did you mean context?"),
    (HEADER.replace("weights", "Weight"), "line 1: column 'Weight': did you mean weights?"),
    ('"' + HEADER, "line 1: not valid CSV"),
])  # fmt: skip
def test_a_header_that_would_lose_a_column_is_refused(tmp_path: Path, text: str, message: str | None) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text if message and "below" in message else f"{text}\na,b\n" if text else "")
    if message is None:
        assert read_measurements(path)
    else:
        with pytest.raises(UserError, match=message.replace("?", r"\?")):
            read_measurements(path)


def test_files_stand_in_for_names_that_the_catalogue_lacks(tmp_path: Path) -> None:
    (tmp_path / "toy.toml").write_text('parameters = 1e9\nkv_bytes = "10 kB"\n')
    (tmp_path / "made-up.toml").write_text("peak_flops = 1e15\nmemory_bandwidth = 1e12\nmemory_capacity = 1e11\n")
    row = {"id": "A-1", "phase": "decode", "model": "toy", "hardware": "made-up", "chips": "1", "tp": "1", "batch": "1",
           "context": "1", "scope": "steps", "quantity": "step_time", "value": "1"}  # fmt: skip
    (one,) = validate(read_measurements(file_of(tmp_path, row)), Places(tmp_path, tmp_path))
    assert one.ideal == pytest.approx((2e9 + 2 * 10e3) / 1e12), one.why


def test_medians_are_by_family_and_phase() -> None:
    def one(name: str, ideal: float) -> Judged:
        row = Measurement(name, "decode", "m", "h", 1, {}, {}, "steps", "step_time", 1.0, {}, "", {})
        return Judged(row, 1.0, ideal, "memory")

    found = summary([one("X-1", 0.2), one("X-2", 0.4), one("X-3h", 0.9), one("Y-1", 2.0)])
    assert (found["X decode"]["median"], found["X decode"]["rows"], found["Y decode"]["beat_ideal"]) == (0.4, 3, 1)


def test_no_published_measurement_beats_the_ideal() -> None:
    """Every decode, prefill and collective row of the catalogue is modelled, and none is faster than physics."""
    judged = validate(catalogue())
    assert [one.row.id for one in judged if one.beats_ideal] == []
    refused = {(one.row.phase, one.why) for one in judged if one.why}
    assert refused == {
        ("decode", "time per token of several a step, and drafts are not stated"),  # five of one engine
        ("train", "missing model/catalog/hardware.toml: [tpuv4] scale_out_bandwidth"),  # two pods of PaLM
    }
    medians = {name: found["median"] for name, found in summary(judged).items() if found["modelled"]}
    assert all(0.01 < median < 1 for median in medians.values()), medians
