"""A reading that ended early names the check that it failed."""

import pytest

from hcportal import errors
from hosting.lake.checks.fetching import failed_check


@pytest.mark.parametrize(
    ("error", "check"),
    [
        (errors.Unreachable("It does not answer"), "Q01"),
        (errors.BadAnswer("An HTML page"), "Q01"),
        (errors.ServiceError("Error 500", 500), "Q01"),
        (errors.EmptySource("It has no rows"), "Q02"),
        (errors.IncompleteFetch("It counts 5 rows and gave 4"), "Q03"),
        (errors.SourceChanged("It was edited twice"), "Q03"),
        (errors.BadAnswer("The file is cut off or damaged"), "Q04"),
        (errors.MissingField("It lacks 'hc'"), "Q05"),
    ],
)
def test_an_error_of_the_source_is_a_failed_check(error: errors.HcportalError, check: str) -> None:
    noticed = failed_check(error)
    assert noticed is not None
    assert (noticed.check_id, noticed.severity, noticed.message) == (check, "F", str(error))


@pytest.mark.parametrize(
    "error", [errors.Cancelled("by a person"), errors.LakeError("foreign"), errors.SourceBusy("")]
)
def test_other_errors_are_none(error: errors.HcportalError) -> None:
    assert failed_check(error) is None
