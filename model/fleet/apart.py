"""Attention and experts on chips of their own: micro-batches go to and fro between them, layer after layer.

Each side works on one micro-batch at a time, in turn; what one sends passes to the other side meanwhile. The time is
exact for that order, and no other order is faster. A link that carries one micro-batch at a time is one more side: then
its time counts among those of which the slower is taken. Sources: Zhu et al. 2025, MegaScale-Infer (arXiv 2504.02263);
StepFun 2025, Step-3 (arXiv 2507.19427).
"""

from sympy import Max

from steptime.model.symbols import layers, micro_batches

from steptime.model.fleet.symbols import (  # isort: skip
    attention_chips, attention_time, attention_work, expert_chips, expert_time, experts_work, layer_round, passing_time,
    price_a, price_b, price_both, returns, slower_time, together_work,
)  # fmt: skip

one_round = attention_time + expert_time + 2 * passing_time
slower = Max(attention_time, expert_time, evaluate=False)
slower_or_link = Max(attention_time, expert_time, passing_time, evaluate=False)
"""The slower side, where links carry micro-batches side by side, and where they carry one at a time."""

chain = (returns + 1) * layer_round + (micro_batches * layers - 1 - returns * micro_batches) * slower_time
"""Time of a chain of operations that wait for one another: it goes through so many layers with one micro-batch, and
from one micro-batch to the next on the slower side for the rest of the way."""

kept_busy = layer_round + (micro_batches * layers - 1) * slower_time
waited_for = layers * layer_round + (micro_batches - 1) * slower_time
apart = Max(kept_busy, waited_for, evaluate=False)
"""All micro-batches through all layers: the slower side never rests, or waits in each layer for the first one."""

enough = layer_round / slower_time
"""Micro-batches from which on links, and the quicker side, are hidden."""

pace = Max(attention_work / attention_chips, experts_work / expert_chips, evaluate=False)
"""Time between two micro-batches in one layer, where nothing waits."""

cost_apart = price_a * attention_work + price_b * experts_work
cost_together = price_both * together_work
"""Dollars for one micro-batch in one layer, chips busy all the time: attention on machine A and experts on B, or both
on a third."""
