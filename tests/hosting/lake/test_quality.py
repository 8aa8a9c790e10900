"""What holds a run: units that changed, keys that were given anew, however the rows are keyed."""

from typing import Any

import pytest

from hosting.lake import quality
from tests.hosting.lake.frames import figure, source, stage
from utilities.spec import SourceSpec

LEFT = {"capacity_type": "load", "remaining": "published", "remaining_capacity_mw": {"mw": "hc"}}
# Feeders, their number and all they can take may change as they like.
ANY_SIZE = {"max_feeder_change": 9, "max_total_change": 9, "max_changed_feeders": 1}


def rows(count: int = 20, factor: float = 1, prefix: str = "") -> list[dict[str, Any]]:
    return [
        {
            "id": f"{prefix}{n}",
            "hc": str((n + 1) * factor),
            "geometry": b"\x01" + bytes([n, len(prefix)]),
        }
        for n in range(count)
    ]


def holds(
    spec: SourceSpec, now: list[dict[str, Any]], then: list[dict[str, Any]], was: SourceSpec | None = None
) -> list[str]:
    """The checks that hold rows `now` after rows `then`."""
    before = stage(was or spec, then).where("reject_check IS NULL")
    found = quality.check(quality.measure(stage(spec, now), before, spec))
    return sorted(noticed.check_id for noticed in found if noticed.severity == "B")


@pytest.mark.parametrize("factor", [1000, 0.001])
@pytest.mark.parametrize("given", [figure(), LEFT], ids=["hosting", "remaining"])
def test_a_unit_that_changed_holds(given: dict[str, Any], factor: float) -> None:
    assert holds(source(given), rows(factor=factor), rows()) == ["Q24"]
    assert holds(source(given, thresholds=ANY_SIZE), rows(factor=1.5), rows()) == []


@pytest.mark.parametrize("key", ["none", "geometry"])
def test_a_unit_that_changed_holds_where_no_key_comes_again(key: str) -> None:
    spec = source(key=key, thresholds=ANY_SIZE)
    assert holds(spec, rows(factor=1000, prefix="x"), rows()) == ["Q24"]
    assert holds(spec, rows(factor=2, prefix="x"), rows()) == []


def test_a_unit_that_changed_with_the_variant_s_name_holds() -> None:
    was, spec = source(figure(), LEFT), source(figure(variant="new"), LEFT)
    assert holds(spec, rows(factor=1000), rows(), was) == ["Q24", "Q24"]
    alone = holds(source(figure(variant="new")), rows(factor=1000), rows(), source())
    assert alone == ["Q24", "Q56"]


def test_keys_that_were_given_anew_hold() -> None:
    assert holds(source(), rows(prefix="x"), rows()) == ["Q56"]
    assert holds(source(), rows(10, prefix="x") + rows()[10:], rows()) == []
    assert holds(source(), rows(11, prefix="x") + rows()[11:], rows()) == ["Q56"]
    lenient = source(thresholds={"max_key_change": 1})
    assert holds(lenient, rows(prefix="x"), rows()) == []


def test_an_incremental_feed_may_bring_what_it_likes() -> None:
    spec = source(feed="incremental")
    assert holds(spec, rows(2, factor=0.0001, prefix="x"), rows()) == []
    assert holds(spec, rows(2, factor=1000), rows()) == ["Q24"]


def test_a_first_run_has_nothing_to_be_compared_with() -> None:
    nothing = [{"id": "", "hc": "1"}]
    assert holds(source(), rows(), nothing) == []


def test_refused_rows_count_together() -> None:
    spec = source()
    some: list[dict[str, Any]] = rows()
    some = [
        row | ({"hc": "lots"} if n < 9 else {"geometry": None} if n < 18 else {})
        for n, row in enumerate(some)
    ]
    assert holds(spec, some, [{"id": "", "hc": "1"}]) == ["Q02"]
    assert holds(source(thresholds={"max_quarantined": 0.9}), some, [{"id": "", "hc": "1"}]) == []
