"""Preflight: what a run takes and what does not fit together, said before the expensive hours."""

from __future__ import annotations

from .check import check_run
from .findings import Finding, PreflightReport
from .planned import PlannedRun

__all__ = ["Finding", "PlannedRun", "PreflightReport", "check_run"]
