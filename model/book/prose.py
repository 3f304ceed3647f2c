r"""Words of the book: plain text with four marks, as LaTeX.

``[name]`` refers to a theorem, ``{term}`` is a term of the field and goes into the index, ``@key`` cites a work, `code`
is a command; between dollars stands mathematics as it is.
"""

import re

from steptime.derivations.library import find
from steptime.derivations.printed.export import escape
from steptime.model.book.told import argument

MARKS = re.compile(r"\$(?P<math>[^$]+)\$|\[(?P<name>[a-z0-9-]+)\]|\{(?P<term>[^{}]+)\}|@(?P<key>[a-z]+\d{4}[a-z]?)"
                   r"|`(?P<code>[^`]+)`")  # fmt: skip


def prose(text: str) -> str:
    r"""A text with its marks as LaTeX; a reference to a theorem that is not there is refused.

    >>> prose("a {ridge} of 50 %, see @pope2026; $b^*$")
    'a \\emph{ridge}\\index{ridge} of 50 \\%, see \\cite{pope2026}; $b^*$'
    """
    parts, end = [], 0
    for found in MARKS.finditer(text):
        parts += [escape(text[end : found.start()]), _marked(found)]
        end = found.end()
    return "".join([*parts, escape(text[end:])])


def _marked(found: re.Match[str]) -> str:
    kind = found.lastgroup
    text = found[kind] if kind else ""
    if kind == "math":
        return f"${text}$"
    if kind == "name":
        return reference(find(text).name)
    if kind == "term":
        return rf"\emph{{{escape(text)}}}\index{{{indexed(text)}}}"
    return rf"\cite{{{text}}}" if kind == "key" else code(text)


def code(text: str) -> str:
    """A command line, which may break between its words."""
    return r"\texttt{" + escape(text).replace("--", "-{}-") + "}"


def reference(name: str) -> str:
    r"""A link to a theorem, or to a lemma.

    >>> print(reference("optimal-batch"), reference("peak-by-ridge"))
    Theorem~\ref{thm:optimal-batch} Lemma~\ref{thm:peak-by-ridge}
    """
    kind = "Theorem" if name in argument() else "Lemma"
    return rf"{kind}~\ref{{{label(name)}}}"


def label(name: str) -> str:
    """The label of a theorem or lemma."""
    return f"thm:{name}"


def indexed(text: str) -> str:
    """A heading of the index: its own special letters are not meant."""
    return escape(text).replace("!", "").replace("@", "").replace("|", "").replace('"', "")
