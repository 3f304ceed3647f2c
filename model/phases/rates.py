"""What one chip does in a second: its peaks, times the share of them that is reached."""

from steptime.model.terms import Rates

from steptime.model.symbols import (  # isort: skip
    compute_efficiency, interconnect_efficiency, memory_bandwidth, memory_efficiency, peak_flops, scale_out_bandwidth,
    scale_out_latency, scale_up_bandwidth, scale_up_latency,
)  # fmt: skip

rates = Rates(
    compute=compute_efficiency * peak_flops,
    memory=memory_efficiency * memory_bandwidth,
    scale_up=interconnect_efficiency * scale_up_bandwidth,
    scale_out=interconnect_efficiency * scale_out_bandwidth,
    scale_up_latency=scale_up_latency,
    scale_out_latency=scale_out_latency,
)
