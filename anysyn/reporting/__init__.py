"""Reporting: one self-contained HTML page about a run."""

from anysyn.reporting.page import report

__all__ = ["report"]
