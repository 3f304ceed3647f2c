"""Pictures of answers: what is drawn, as plain numbers with units, and, in ``draw``, how.

Nothing is worked out anew here: curves are the API's grids, its crossovers, ledgers and fleets. Only ``draw`` knows
matplotlib, and imports it when something is drawn.
"""
