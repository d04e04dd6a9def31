"""Rigid registration of two scans of one person, with a gate on what is found. Start in `rigid.py`."""

from anysyn.scans.registration.rigid import Registration, RegistrationError, register_rigid

__all__ = ["Registration", "RegistrationError", "register_rigid"]
