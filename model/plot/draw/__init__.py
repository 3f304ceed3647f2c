"""How numbers are drawn: one style sheet, one function a shape. The only room that knows matplotlib.

No module here imports it at its top: help, tests and documentation read these modules without it.
"""
