"""The word "post" in the names of a data set: after a contrast agent, or after surgery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anysyn.data.subjects.names.recognised import Recognised

POST = ("post",)


def without_doubtful_post(meant: Sequence[Recognised]) -> list[Recognised]:
    """Refuse what "post" alone makes a T1c in a data set that also has, say, a "post FLAIR".

    No contrast but T1w has a form after an agent, so "post" may be a visit there: ``P01_pre_FLAIR``,
    ``P01_post_FLAIR``, ``P01_post_T1``.

    Args:
        meant: What each file of the data set was recognised as.

    Returns:
        The same, some of them unclear.

    Example:
        >>> t1 = Recognised("T1c", "name: t1; post", agent=POST)
        >>> flair = Recognised(None, "is FLAIR after a contrast agent (post)", agent=POST, unclear=True)
        >>> [one.name for one in without_doubtful_post([t1])], [one.name for one in without_doubtful_post([t1, flair])]
        (['T1c'], [None, None])
    """
    if not any(one.unclear and one.agent == POST for one in meant):
        return list(meant)
    reason = "is T1w or T1c: 'post' stands beside other contrasts here, too, so it may mean after surgery"
    doubtful = Recognised(None, reason, agent=POST, unclear=True)
    return [replace(doubtful, extra=one.extra) if one.name and one.agent == POST else one for one in meant]
