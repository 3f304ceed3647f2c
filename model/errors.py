"""What a user can get wrong. Every such error is one line: what, where, what next."""

from difflib import get_close_matches


class UserError(ValueError):
    """The input cannot be used as given; the command line prints the message and exits with 2."""


def unknown(kind: str, name: str, known: list[str], hint: str = "") -> UserError:
    """An unknown name, answered with its best matches.

    >>> print(unknown("hardware", "h10-sxm", ["h100-sxm", "tpuv4"]))
    unknown hardware 'h10-sxm'; did you mean h100-sxm?
    """
    shown = name if len(name) <= 60 else name[:57] + "..."
    lowered = {candidate.lower(): candidate for candidate in known}
    close = [lowered[match] for match in get_close_matches(name.lower(), list(lowered), n=3, cutoff=0.5)]
    close += [c for c in known if name and c not in close and name.lower() in c.lower()][: 3 - len(close)]
    advice = f"did you mean {', '.join(close)}?" if close else hint or f"known: {', '.join(known[:8])}, …"
    return UserError(f"unknown {kind} {shown!r}; {advice}")
