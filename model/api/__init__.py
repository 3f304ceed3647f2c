"""What ``import steptime`` offers: questions in the words of the field, answers that show themselves.

>>> import numpy as np
>>> import steptime as st
>>> step = st.step("deepseek-v3", "gb200-nvl72", batch=64, context=200_000, layout=st.Layout(tp=2, dp=4))
>>> f"{step.time:.4f} s", step.bound_by.value, f"{step.estimate.step_time:.3f} s", list(step.missing)
('0.0381 s', 'memory', '0.068 s', [])
>>> step.terms.memory.formula
(bytes_per_weight*parameters_read/weight_shards
 + micro_batch*(context*kv_bytes + kv_written)/kv_shards)/memory_bandwidth
>>> step.terms.memory.seconds == step.time, step.terms.memory.latex[:5]
(True, '\\\\frac')
>>> crossing = step.crossover("compute", "memory", over="batch")
>>> crossing.value is None, crossing.exists_when is None
(True, False)
>>> best = step.best_batch(minimise="cost", max_step_time="20ms")
>>> best.limits_hold_for, best.whole["batch"], best.of_bound.whole["batch"], len(best.diff(step)) > 0
('estimate', 7, 20, True)
>>> round(sum(best.term_prices.values()) + best.shadow_prices["max_step_time"], 6)
1.0
>>> f"{step.replace(memory_bandwidth='10TB/s').time:.4f} s"
'0.0305 s'
>>> grid = step.over(batch=np.geomspace(1, 4096, 200), context=[4e3, 32e3, 2e5])
>>> grid.step_time.shape
(200, 3)
>>> found = st.search("deepseek-v3", ["gb200-nvl72", "h200-sxm"], chips=[36, 72], max_step_time="30ms")
>>> found.best.question.hardware.name, str(found.best.layout) == str(found.best_of["gb200-nvl72"].layout)
('gb200-nvl72', True)
>>> st.derivation("optimal-batch").verify()
>>> [one.name for one in st.quantities("memory_bandwidth")], st.hardware("h100").name
(['memory_bandwidth'], 'h100-sxm')
>>> st.architecture("llama-3.3-70b").parameters
70553706496
"""
