"""One page a phase: decode, prefill, training; and their ledgers."""
