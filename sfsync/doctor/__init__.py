"""Look at everything a run needs, and say what to do about what is wrong."""

from sfsync.doctor.run import Check, DoctorResult, doctor

__all__ = ["Check", "DoctorResult", "doctor"]
