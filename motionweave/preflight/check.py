"""All of it, in the order of the walk."""

from __future__ import annotations

from ..errors import InputError
from ..runtime import Runtime
from .cost import costs
from .findings import Cost, Finding, PreflightReport
from .fit import fit_together, long_enough
from .planned import PlannedRun


def check_run(run: PlannedRun, runtime: Runtime, measure: bool = True) -> PreflightReport:
    """Find out what a run takes, and what about it would fail, without starting it.

    Nothing is written but a trial of one window in few steps, in a temporary folder, and that only if nothing would
    fail, nothing was made of this plan yet and `measure` allows it.

    Args:
        run: What is to be made.
        runtime: Where.
        measure: Whether a trial may be made to find out the time.

    Returns:
        What was found; `PreflightReport.refuse` stops what would fail.
    """
    findings = list(fit_together(run))
    controls, cost = long_enough(run), Cost()
    try:
        run.request(controls)
    except InputError as error:
        findings.append(Finding("stop", "settings", str(error)))
        return PreflightReport(tuple(findings), cost)
    may_measure = measure and not any(each.level == "stop" for each in findings)
    for each in costs(run, controls, runtime, may_measure):
        if isinstance(each, Cost):
            cost = each
        else:
            findings.append(each)
    return PreflightReport(tuple(findings), cost)
