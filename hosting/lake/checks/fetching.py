"""Which check a reading that ended early failed (Q01 to Q05): each is an error with a name of its own."""

from hcportal import errors
from hosting.lake.checks.found import Noticed

# From the most particular; what is none of these is no matter of the source.
FAILED: tuple[tuple[type[errors.HcportalError], str], ...] = (
    (errors.EmptySource, "Q02"),
    (errors.SourceChanged, "Q03"),
    (errors.IncompleteFetch, "Q03"),
    (errors.MissingField, "Q05"),
    (errors.Unreachable, "Q01"),
    (errors.BadAnswer, "Q01"),
    (errors.ServiceError, "Q01"),
)
# How a reader says that a server stopped before its end.
CUT_OFF = ("cut off", "timed out", "time limit", "exceeded")


def failed_check(error: errors.HcportalError) -> Noticed | None:
    """The finding of an error that left nothing whole to publish; None where it is no fault of the source."""
    message = str(error)
    for kind, check in FAILED:
        if isinstance(error, kind):
            is_cut = check in {"Q01", "Q03"} and any(word in message.lower() for word in CUT_OFF)
            return Noticed("Q04" if is_cut else check, "F", message, 0)
    return None
