"""How commands tell a run, in a line."""

from interregional.models import FlowRun, RunStatus
from interregional.noticing import said


def told(run: FlowRun) -> str:
    """What a run brought, or why it brought nothing."""
    if run.status in {RunStatus.FAILED, RunStatus.CANCELLED}:
        return run.error
    counts = (
        f"{run.rows_read:,} rows read; {run.inserted:,} new, {run.updated:,} revised, "
        f"{run.unchanged:,} known, {run.quarantined:,} quarantined"
    )
    newest = f"; the newest is of {said(run.newest)}" if run.newest else ""
    where = f" (from {run.publisher})" if run.publisher and run.publisher != "file" else ""
    return f"{counts}{newest}{where}." + (f" {run.error}" if run.error else "")
