"""Results in a notebook's cell: what their lines say on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class LinesInNotebooks:
    """A result whose ``lines()`` a notebook shows as they are; elsewhere it is its one-line ``repr``.

    Example:
        >>> class Counted(LinesInNotebooks):
        ...     def lines(self):
        ...         return ["1 < 2"]
        >>> Counted()._repr_html_()
        '<pre>1 &lt; 2</pre>'
    """

    def lines(self) -> Iterable[str]:
        """Return what there is to say."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return f"<pre>{escape(chr(10).join(self.lines()))}</pre>"
