"""The pairs of tokens that a prefill attends to, as an area: a prefix that is cached, and new tokens in chunks."""

SIDE = 62.0
"""Millimetres of the square."""


def areas(prefix: int, new: int, chunk: int) -> str:
    """Rows are new tokens, columns those they attend to: cached ones, and new ones up to their own.

    Each chunk reads the cache of all before it: its rows' rectangle up to its first token; what it multiplies reaches
    to the diagonal.
    """
    unit = SIDE / (prefix + new)
    high = unit * new
    lines = [r"\begin{tikzpicture}[x=1mm,y=1mm]",
             _box(0, 0, prefix * unit, -high, "orange!30"),
             _label(prefix * unit / 2, -high / 2, "prefix")]  # fmt: skip
    for number, first in enumerate(range(0, new, chunk)):
        last = min(first + chunk, new)
        left, top, bottom = prefix * unit, -first * unit, -last * unit
        lines += [_box(left, top, left + first * unit, bottom, "blue!18" if number % 2 else "blue!30"),
                  rf"\filldraw[fill=green!35,draw=black!50] ({left + first * unit:.2f},{top:.2f}) -- "
                  rf"({left + last * unit:.2f},{bottom:.2f}) -- ({left + first * unit:.2f},{bottom:.2f}) -- cycle;",
                  rf"\node[left,font=\scriptsize] at (0,{(top + bottom) / 2:.2f}) {{chunk {number + 1}}};"]  # fmt: skip
    names = (("orange!30", "attends to the cached prefix"), ("blue!30", "reads the cache of chunks before"),
             ("green!35", "attends to its own chunk: a triangle"))  # fmt: skip
    for place, (ink, name) in enumerate(names):
        lines.append(rf"\filldraw[fill={ink},draw=black!50] ({SIDE + 8:.1f},{-8 * place - 4}) rectangle "
                     rf"+(5,-4) node[right,yshift=2mm,font=\footnotesize] {{{name}}};")  # fmt: skip
    return "\n".join([*lines, r"\end{tikzpicture}"])


def _box(left: float, top: float, right: float, bottom: float, ink: str) -> str:
    return rf"\filldraw[fill={ink},draw=black!50] ({left:.2f},{top:.2f}) rectangle ({right:.2f},{bottom:.2f});"


def _label(x: float, y: float, text: str) -> str:
    return rf"\node[font=\footnotesize] at ({x:.2f},{y:.2f}) {{{text}}};"
