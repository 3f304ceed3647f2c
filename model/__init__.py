"""The symbolic model: quantities, terms, architectures, phases, and the solver on top of them."""
