"""Random states of a page, worked out by its own JavaScript in node; and what the command line says of the same."""

import json
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import steptime as st
from steptime.model.page.document import scripts
from steptime.model.page.payload import payload_of

MODEL_ALONE = ("model.js", "state.js")
RATES = ("tokens_per_second", "tokens_per_second_per_sequence", "dollars_per_million_tokens", "joules_per_token")

DRAW = """
let seed = SEED;
const random = () => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 2147483648; };
function draw() {
  let state = beginning();
  for (const kind of KINDS) {
    const known = Object.keys(page.formats[kind].options);
    if (random() < 0.5) state = withFormat(state, kind, known[Math.floor(random() * known.length)]);
  }
  state.layout = Math.floor(random() * page.layouts.listed.length);
  for (const one of page.controls) {
    const share = random();
    if (random() < 0.6 || !Number.isFinite(state.numbers[one.name])) continue;
    const value = one.linear ? one.low + (one.high - one.low) * share : one.low * (one.high / one.low) ** share;
    state.numbers[one.name] = one.whole ? Math.round(value) : Number(value.toPrecision(6));
  }
  return state;
}
"""
ANSWERS = """
const found = [];
for (let turn = 0; turn < COUNT; turn += 1) {
  const state = draw(), one = answer(state);
  const met = Object.fromEntries(page.axes.map((over) => [over, crossings(state, over, one.kind)]));
  found.push({ command: command(state), link: encoded(state), answer: one, met,
               back: JSON.stringify(decoded(encoded(state))) === JSON.stringify(state) });
}
console.log(JSON.stringify(found));
"""


def node(code: str) -> Any:
    """What a script prints, as JSON."""
    done = subprocess.run(["node", "-"], input=code, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def model_of(step: st.Step) -> str:
    """The scripts of a page that need no browser."""
    return scripts(payload_of(step.case), MODEL_ALONE)


def drawn(step: st.Step, seed: int, count: int) -> list[dict[str, Any]]:
    """Random states: the command line of each, its link, its answer and its crossings."""
    draw = DRAW.replace("SEED", str(seed)) + ANSWERS.replace("COUNT", str(count))
    return list(node(model_of(step) + draw))


def expected(found: Mapping[str, Any]) -> dict[str, float]:
    """What `step --json` says of everything that a page works out."""
    known = {**found["terms"], **found["network"], **{key: found[key] for key in ("step_time", *RATES, "mfu", "mbu")}}
    known |= {"memory_per_chip": found["memory_per_chip"]["total"], "usable": found["memory_per_chip"]["usable"]}
    known |= {f"bound_{name}": bound for name, bound in found["bounds"].items()}
    if found["estimate"] is not None:
        known |= {f"estimate_{key}": found["estimate"][key] for key in RATES}
        known |= {"estimate": found["estimate"]["step_time"]}
        known |= {key: found["estimate"][key] for key in ("low", "high")}
    return {key: value for key, value in known.items() if value is not None}


def crossings(found: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...], float]]:
    """Where two terms meet, as the command line has it."""
    return sorted((one["over"], tuple(one["between"]), value) for one in found["crossovers"] for value in one["values"])


Json = Callable[..., dict[str, Any]]
