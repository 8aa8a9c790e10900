"""What a refresh changed at once, beside what is published (Q24, Q56 to Q58)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from pyspark.sql import functions as F

from hosting.lake.checks.found import EXAMPLES, Noticed
from hosting.lake.checks.profile import Profile, names

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from hosting.lake.quality import Staged

FEW = 10  # feeders; of fewer, one that changes is a large share


def keys_changed(staged: "Staged") -> Iterator[Noticed]:
    """Q56: as many rows as before, and most of them under other keys, as when ids are numbered anew.

    It would cut off the history of each row. A shape that is a key changes with any surveyor's correction,
    and a row without a key has no history.
    """
    if staged.spec.feed != "snapshot" or isinstance(staged.spec.key, str):
        return
    limit = staged.spec.thresholds.max_key_change
    gone, new = staged.rows_before - staged.again, staged.passed - staged.again
    if gone > staged.rows_before * limit and 2 * new >= gone:
        yield Noticed(
            "Q56",
            "B",
            f"The keys of {gone:,} of {staged.rows_before:,} published figures are gone, more than "
            f"{limit:.0%}, and {new:,} new ones came: were they numbered anew?",
            gone,
        )


def feeders_changed(staged: "Staged") -> Iterator[Noticed]:
    """Q56: the number of feeders moved further than a refresh usually moves it.

    An incremental feed names those that changed, so their number says nothing.
    """
    if staged.spec.feed != "snapshot":
        return
    limit = staged.spec.thresholds.max_feeder_change
    moved = abs(staged.feeders - staged.feeders_before)
    if staged.feeders_before and moved > max(1, staged.feeders_before * limit):
        yield Noticed(
            "Q56",
            "B",
            f"The source names {staged.feeders:,} feeders; {staged.feeders_before:,} are published, "
            f"a change of more than {limit:.0%}.",
            moved,
        )


def total_changed(staged: "Staged") -> Iterator[Noticed]:
    """Q56: the megawatts of all feeders (never of sections) together moved further than usual."""
    profile, limit = staged.profile, staged.spec.thresholds.max_total_change
    if staged.spec.feed != "snapshot" or not staged.rows_before:
        return
    for name, now in sorted(profile.figures.items()):
        before = profile.figures_before.get(name)
        if before is None or before.total <= 0 or min(before.groups, now.groups) < FEW:
            continue
        change = now.total / before.total - 1
        if abs(change) > limit:
            message = (
                f"All {name} figures together are {now.total:,.0f} MW; {before.total:,.0f} MW are published"
            )
            yield Noticed("Q56", "B", f"{message}, a change of more than {limit:.0%}.", now.groups)


def figures_changed(staged: "Staged") -> Iterator[Noticed]:
    """Q56: more of the feeders have another figure than a refresh usually changes."""
    limit = staged.spec.thresholds.max_changed_feeders
    both = staged.profile.both
    feeders = len(names(both))
    changed = names(both.filter(pc.fill_null(both["changed"], False)))
    if staged.spec.feed == "snapshot" and feeders >= FEW and len(changed) > feeders * limit:
        message = f"{len(changed):,} of {feeders:,} feeders have another figure, more than {limit:.0%}."
        yield Noticed("Q56", "B", message, len(changed), _movements(both, "changed"))


def feeders_replaced(staged: "Staged") -> Iterator[Noticed]:
    """Q57: which feeders vanished and appeared, and which of them seem to be the same under another name."""
    if staged.spec.feed != "snapshot" or not staged.rows_before:
        return
    now, then = set(names(staged.profile.now)), set(names(staged.profile.then))
    gone, new = sorted(then - now), sorted(now - then)
    renamed = _renamed(staged.profile, set(gone), set(new))
    for what, feeders in (("are no longer published", gone), ("appeared", new)):
        if feeders:
            examples = [{"feeder": feeder} for feeder in feeders[:EXAMPLES]]
            yield Noticed(
                "Q57", "W", f"{len(feeders):,} feeders {what}.", len(feeders), examples, of=len(now | then)
            )
    if renamed:
        examples = [{"feeder": old, "now": name} for old, name in renamed[:EXAMPLES]]
        message = (
            f"{len(renamed):,} feeders seem to have another id: one that is gone and one that is new agree."
        )
        yield Noticed("Q57", "W", message, len(renamed), examples, of=len(now | then))


def _renamed(profile: Profile, gone: set[str], new: set[str]) -> list[tuple[str, str]]:
    """Pairs of a vanished and a new feeder that alone have the same rows, range and sum."""

    def by_looks(table: "pa.Table", feeders: set[str], suffix: str) -> dict[tuple[object, ...], list[str]]:
        parts = [f"{name}{suffix}" for name in ("rows", "low", "high", "total")]
        found: dict[tuple[object, ...], list[str]] = {}
        for row in table.select(["feeder_id", "capacity_type", "variant", *parts]).to_pylist():
            if row["feeder_id"] in feeders and row[parts[3]]:
                looks = (row["capacity_type"], row["variant"], *(row[part] for part in parts))
                found.setdefault(looks, []).append(row["feeder_id"])
        return found

    if not gone or not new:
        return []
    old = by_looks(profile.then, gone, "_before")
    fresh = by_looks(profile.now, new, "")
    pairs = {
        (old[looks][0], fresh[looks][0])
        for looks in old.keys() & fresh.keys()
        if len(old[looks]) == len(fresh[looks]) == 1
    }
    return sorted(pairs)


def feeders_moved(staged: "Staged") -> Iterator[Noticed]:
    """Q58: a feeder's figure moved far, while what is installed and queued on it stayed."""
    moved = staged.profile.flagged("moved")
    if moved.num_rows:
        limits = staged.spec.thresholds
        feeders = len(names(moved))
        message = (
            f"{feeders:,} feeders moved by more than {limits.max_move_mw:g} MW or {limits.max_move:.0%}, and "
            "what is connected to them did not change."
        )
        found = _movements(moved, "moved")
        yield Noticed("Q58", "W", message, feeders, found, of=staged.feeders)


def _movements(groups: "pa.Table", flag: str) -> list[dict[str, object]]:
    """The largest first: feeder, figure, then and now in MW."""
    rows = groups.filter(pc.fill_null(groups[flag], False))
    found = rows.select(["feeder_id", "capacity_type", "variant", "headline_before", "headline"]).to_pylist()
    found.sort(
        key=lambda row: (-abs((row["headline"] or 0) - (row["headline_before"] or 0)), row["feeder_id"])
    )
    return [
        {
            "feeder": row["feeder_id"],
            "figure": f"{row['capacity_type']} ({row['variant']})",
            "was_mw": None if row["headline_before"] is None else float(row["headline_before"]),
            "now_mw": None if row["headline"] is None else float(row["headline"]),
        }
        for row in found[:EXAMPLES]
    ]


def scale_shifted(staged: "Staged") -> Iterator[Noticed]:
    """Q24: the median ratio to the published values is near 1000 or 0.001, as when kW are read as MW.

    Where fewer than half of a figure's published keys came again, it would speak of few rows or none: then
    the medians of all values of that type are compared. Not in an incremental feed, which names a few.
    """
    limit = staged.spec.thresholds.scale_shift
    renamed: set[str] = set()
    for figure in staged.figures:
        name = f"{figure.capacity_type} ({figure.variant})"
        if staged.spec.feed == "snapshot" and 2 * figure.again < figure.published:
            renamed.add(figure.capacity_type)
        elif figure.ratio is not None and not 1 / limit <= figure.ratio <= limit:
            yield _shifted(name, figure.ratio, figure.usable)
    if not renamed:
        return
    now = _medians(staged.frame.where(F.col("reject_check").isNull()))
    then = _medians(staged.before)
    for capacity_type in sorted(renamed & now.keys() & then.keys()):
        median, rows = now[capacity_type]
        ratio = median / then[capacity_type][0]
        if not 1 / limit <= ratio <= limit:
            yield _shifted(capacity_type, ratio, rows)


def _shifted(name: str, ratio: float, rows: int) -> Noticed:
    message = f"The median {name} capacity is {ratio:g} times what is published: has the unit changed?"
    return Noticed("Q24", "B", message, rows)


def capacity(prefix: str = "") -> "Column":
    """What a figure says, hosting or else remaining, where it is above zero."""
    value = F.coalesce(F.col(f"{prefix}hosting_capacity_mw"), F.col(f"{prefix}remaining_capacity_mw"))
    return F.when(value > 0, value.cast("double"))


def _medians(frame: "DataFrame") -> dict[str, tuple[float, int]]:
    """Capacity type to the median of its values above zero, and how many there are."""
    rows = (
        frame.select("capacity_type", capacity().alias("mw"))
        .where(F.col("mw").isNotNull())
        .groupBy("capacity_type")
        .agg(F.median(F.col("mw")), F.count("mw"))
    )
    return {capacity_type: (median, count) for capacity_type, median, count in rows.collect()}


CHECKS = (
    keys_changed,
    feeders_changed,
    feeders_replaced,
    scale_shifted,
)
# Of a refresh in other units, they would say the same again.
CHECKS_IN_ONE_UNIT = (total_changed, figures_changed, feeders_moved)
