"""Whether DER rows can be what they say, and fit the feeders they name (Q59 to Q64).

Conditions on rows; then what is said of feeders and of the whole file is read from what was counted.
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake.checks.found import EXAMPLES, Noticed, Rule
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from hosting.lake.der_quality import StagedDers

DONE = "(?i)(in.?service|operational|energi[sz]ed|complete|withdrawn|cancel)"
LEAST_NAMEPLATE_KW = 0.1  # a median below it is megawatts
SLACK_KW = 0.5  # rounding of shares and totals


def reference_lost(_spec: SourceSpec, _today: date) -> Iterator[Rule]:
    """Q59: the reference leads to no feeder; the DER is kept and listed."""
    yield Rule(
        "Q59",
        "W",
        F.col("unresolved_references").isNotNull(),
        "{count:,} of {rows:,} DER name a feeder that is not known.",
    )


def nameplate_beyond_any_plant(spec: SourceSpec, _today: date) -> Iterator[Rule]:
    """Q61: more than any plant on a distribution feeder has."""
    yield Rule(
        "Q61",
        "W",
        F.col("nameplate_kw").cast("double") > F.lit(spec.thresholds.max_nameplate_kw),
        "{count:,} of {rows:,} DER have a nameplate that is not plausible: are they watts?",
    )


def technologies_do_not_add_up(spec: SourceSpec, _today: date) -> Iterator[Rule]:
    """Q62: the technologies' shares against the nameplate."""
    assert spec.ders is not None  # noqa: S101 - asked only of sources that hold DER
    if not spec.ders.technologies:
        return
    names = sorted(spec.ders.technologies)
    shares = F.from_json("technologies", ", ".join(f"`{name}` string" for name in names))
    summed = F.lit(0.0)
    for name in names:
        summed = summed + F.coalesce(shares.getField(name).try_cast("double"), F.lit(0.0))
    nameplate = F.col("nameplate_kw").cast("double")
    gap = nameplate * F.lit(spec.thresholds.max_technology_gap) + F.lit(SLACK_KW)
    yield Rule(
        "Q62",
        "W",
        F.abs(summed - nameplate) > gap,
        "{count:,} of {rows:,} DER have technologies that do not add up to the nameplate.",
    )


def hybrid_mark_disagrees(spec: SourceSpec, _today: date) -> Iterator[Rule]:
    """Q62: marked as hybrid with one technology, or not with several."""
    assert spec.ders is not None  # noqa: S101
    if spec.ders.is_hybrid is None or not spec.ders.technologies:
        return
    several = F.col("technologies").contains(",")
    one = F.col("technologies").isNotNull() & ~several
    yield Rule(
        "Q62",
        "I",
        (F.col("published_hybrid") & one) | (~F.col("published_hybrid") & several),
        "{count:,} of {rows:,} DER are marked as hybrid, or not, against their technologies.",
    )


def plan_in_the_past(spec: SourceSpec, today: date) -> Iterator[Rule]:
    """Q63: planned for a day that has passed, and not completed."""
    assert spec.ders is not None  # noqa: S101
    if spec.ders.status == "planned" and spec.ders.planned_on is not None:
        yield Rule(
            "Q63",
            "W",
            (F.col("planned_on") < F.lit(today.isoformat()).cast("date")) & F.col("completed_on").isNull(),
            "{count:,} of {rows:,} DER are planned for a day that has passed.",
        )


def status_contradicts(spec: SourceSpec, _today: date) -> Iterator[Rule]:
    """Q63: in the queue, and in service or withdrawn."""
    assert spec.ders is not None  # noqa: S101
    if spec.ders.status == "planned" and spec.ders.project_status is not None:
        yield Rule(
            "Q63",
            "I",
            F.col("project_status").rlike(DONE),
            "{count:,} of {rows:,} DER are in the queue with a status that says they are not.",
        )


def queue_place_repeated(staged: "StagedDers") -> Iterator[Noticed]:
    """Q63: two projects at one place of the queue. Time stamps, as one utility has there, are no places."""
    if staged.spec.ders is not None and staged.spec.ders.status == "planned" and staged.whole.places_repeated:
        count = staged.whole.places_repeated
        yield Noticed("Q63", "W", f"{count:,} places in the queue are given more than once.", count)


def unit_exchanged(staged: "StagedDers") -> Iterator[Noticed]:
    """Q61, B: nameplates a thousand times what they were, or so small that they are megawatts."""
    whole, limit = staged.whole, staged.spec.thresholds.scale_shift
    if whole.ratio is not None and not 1 / limit <= whole.ratio <= limit:
        message = f"The median nameplate is {whole.ratio:g} times what is published: has the unit changed?"
        yield Noticed("Q61", "B", message, staged.passed)
    elif whole.median is not None and whole.median < LEAST_NAMEPLATE_KW:
        message = f"Half of the nameplates are below {whole.median:g} kW: are they megawatts?"
        yield Noticed("Q61", "B", message, staged.passed)


def installed_and_planned(staged: "StagedDers") -> Iterator[Noticed]:
    """Q60, W: a project that this file and the utility's other list both have."""
    if staged.both_count:
        message = f"{staged.both_count:,} of {staged.passed:,} DER are both installed and planned."
        yield Noticed("Q60", "W", message, staged.both_count, [{"key": key} for key in staged.both_keys])


def feeder_without_capacity(staged: "StagedDers") -> Iterator[Noticed]:
    """Q59: feeders that DER are on, and that have no known hosting capacity."""
    bare = [row for row in staged.feeders if row["leads"] and not row["known_capacity"]]
    if bare:
        examples = [{"feeder": row["feeder_id"], "ders": row["rows"]} for row in bare[:EXAMPLES]]
        message = f"{len(bare):,} feeders have DER and no known hosting capacity."
        yield Noticed("Q59", "W", message, len(bare), examples, of=len(staged.feeders))


def feeder_total_differs(staged: "StagedDers") -> Iterator[Noticed]:
    """Q59: what is published as installed on a feeder against the sum of its installed DER."""
    if staged.spec.ders is None or staged.spec.ders.status != "installed":
        return
    gap = staged.spec.thresholds.max_remaining_gap
    off = []
    for row in staged.feeders:
        said, summed = row["installed_kw"], row["kw"]
        if (
            said is not None
            and summed is not None
            and abs(said - summed) > gap * max(said, summed) + SLACK_KW
        ):
            off.append({"feeder": row["feeder_id"], "published_kw": said, "summed_kw": summed})
    if off:
        message = f"{len(off):,} feeders have another installed total than the sum of their DER."
        yield Noticed("Q59", "W", message, len(off), off[:EXAMPLES], of=len(staged.feeders))


def substation_total_differs(staged: "StagedDers") -> Iterator[Noticed]:
    """Q64: the published total of a substation, in MW, against the sum of the planned DER that repeat it.

    The files name no substation: DER on one feeder are of one substation, so a total below their sum, or
    several totals on one feeder, contradict it; and so does one beyond any substation, as of kW called MW.
    """
    gap, most = staged.spec.thresholds.max_substation_gap, staged.spec.thresholds.max_nameplate_kw
    off = []
    for row in staged.feeders:
        low, high, summed = row["least_total"], row["most_total"], row["kw"] or 0
        if low is None or row["feeder_id"] is None:
            continue
        if low != high or high * 1000 < summed * (1 - gap) or high * 1000 > most:
            off.append({"feeder": row["feeder_id"], "published_mw": high, "summed_kw": summed})
    if off:
        message = f"{len(off):,} feeders have substation totals that do not fit the sum of planned DER."
        yield Noticed("Q64", "W", message, len(off), off[:EXAMPLES], of=len(staged.feeders))


ROWS = (
    reference_lost,
    nameplate_beyond_any_plant,
    technologies_do_not_add_up,
    hybrid_mark_disagrees,
    plan_in_the_past,
    status_contradicts,
)
WHOLE = (
    queue_place_repeated,
    unit_exchanged,
    installed_and_planned,
    feeder_without_capacity,
    feeder_total_differs,
    substation_total_differs,
)
