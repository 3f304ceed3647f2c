"""Fleets in closed form: machines compared by their prices, phases and parts of a model on machines of their own."""
