"""Did-you-mean for names that users type."""

from collections.abc import Iterable
from difflib import get_close_matches

# a list longer than this helps nobody
MOST = 40


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return a sentence that helps after a misspelt name.

    Parameters
    ----------
    word
        What the user typed.
    choices
        All names that would have been valid.

    Returns
    -------
    str
        ``"Did you mean 'x'?"`` when something is close, else the list of valid names.
    """
    names = sorted(set(choices))
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)
    if close:
        return "Did you mean " + " or ".join(f"{by_lower[name]!r}" for name in close) + "?"
    if not names:
        return "There is nothing to choose from."
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return "Valid: " + ", ".join(names[:MOST]) + more + "."
