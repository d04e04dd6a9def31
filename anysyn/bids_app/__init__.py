"""The BIDS App: the contrasts that participants of a BIDS dataset lack, as a derivative with a page for each."""

from anysyn.bids_app.app import AppResult, complete_participants

__all__ = ["AppResult", "complete_participants"]
