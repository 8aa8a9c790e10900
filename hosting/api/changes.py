"""What changed in a utility's data between two days, or two runs of one source."""

import base64
import binascii
import json
from collections.abc import Generator
from typing import Any, ClassVar

from django.db import connection
from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hcportal.api.numbers import WholeNumber
from hosting import diffs
from hosting.api.access import Access, access_to
from hosting.api.answers import CSV, JSON, Answers, listed
from hosting.api.as_of import DayOrInstant, instant_of
from hosting.api.csv_rows import BYTES_A_PIECE, csv_answer
from hosting.api.forms import ROWS_A_PAGE, FormParameters, TabularView, rows_a_form
from hosting.api.missing import no_such_utility
from hosting.api.paging import next_page
from hosting.api.shown import FORMULA
from hosting.api.streaming import Started
from hosting.models import DER, HCIngestionRun, HostingCapacityRecord, HostingCapacitySection, RunStatus
from utilities.models import Utility

ROWS = {"records": HostingCapacityRecord, "sections": HostingCapacitySection, "ders": DER}
CSV_SHAPE = {
    "type": "string",
    "description": "A line of names, then a line for each column of each change, both values as text",
}
LARGEST_RUN = 2**63 - 1


@extend_schema_field({"type": "string"})
class Key(serializers.Field[Any, Any, Any, Any]):
    """Where the page before ended: a mark that `next` carries."""

    default_error_messages = {"mark": "It is no mark of a page; take the address in `next` as it is."}

    def to_internal_value(self, data: Any) -> tuple[Any, ...]:
        try:
            found = json.loads(base64.urlsafe_b64decode(str(data).encode("ascii")))
        except (ValueError, binascii.Error, RecursionError):
            self.fail("mark")
        is_key = (
            isinstance(found, list)
            and len(found) in (3, 4)
            and type(found[0]) is int
            and abs(found[0]) < LARGEST_RUN
            and all(isinstance(part, str) and "\0" not in part for part in found[1:])
        )
        if not is_key:
            self.fail("mark")
        return tuple(found)


def mark_of(row: dict[str, Any], dataset: str) -> str:
    """The mark of a row's key."""
    key = [row[name] for name in ("source_id", *diffs.DATASETS[dataset].key)]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


class ChangesParameters(FormParameters):
    """Between what, and which of the changes."""

    dataset = serializers.ChoiceField(
        [("records", "Feeders, or cells"), ("sections", "Sections"), ("ders", "DER")],
        default="records",
        help_text="What is compared",
    )
    kind = serializers.ChoiceField(
        [(kind, kind.capitalize()) for kind in diffs.KINDS],
        default=None,
        help_text="Only changes of one kind",
    )
    to = DayOrInstant(default=None, help_text="The later day or instant; now where it is not given")
    from_run = WholeNumber(
        default=None, min_value=1, max_value=LARGEST_RUN, help_text="The earlier run, in place of `from`"
    )
    to_run = WholeNumber(
        default=None,
        min_value=1,
        max_value=LARGEST_RUN,
        help_text="The later run of the same source; what readers see where it is not given",
    )
    after = Key(default=None, help_text="The last row already read; `next` carries it")
    limit = rows_a_form()

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which is a word of Python."""
        earlier = DayOrInstant(
            default=None, help_text="The earlier day or instant. A bare date is the end of that day"
        )
        return {"from": earlier, **super().get_fields()}


class ChangeSerializer(serializers.Serializer[Any]):
    """A row that is there in one state and not in the other, or says something else."""

    kind = serializers.ChoiceField(list(diffs.KINDS), help_text="added, changed or removed")
    source = serializers.CharField(help_text="The source's code")  # type: ignore[assignment]
    key = serializers.CharField(help_text="The row's identity within its source")
    feeder_id_external = serializers.CharField(allow_null=True, help_text="null for a cell")
    capacity_type = serializers.CharField(allow_null=True, help_text="null for DER")
    variant = serializers.CharField(allow_null=True, help_text="null for DER")
    columns = serializers.ListField(
        child=serializers.CharField(), help_text="What differs; `geometry` is named without its values"
    )
    before = serializers.DictField(allow_null=True, help_text="The earlier values; null for added rows")
    after = serializers.DictField(allow_null=True, help_text="The later values; null for removed rows")


class UtilityChanges(TabularView):
    """What changed between two days (`from`, `to`) or two runs of one source (`from_run`, `to_run`).

    Days and instants are publisher time; a bare date is the end of that day where the utility is. Runs are
    exact where two months or refreshes have the same time. What changed and changed back is no change.
    """

    answers: ClassVar[Answers] = {
        JSON: listed(
            ChangeSerializer,
            withheld=True,
            **{
                "from": serializers.CharField(help_text="The earlier instant, or run"),
                "to": serializers.CharField(help_text="The later one"),
            },
        ),
        CSV: CSV_SHAPE,
    }
    example: ClassVar = {"from": "2026-01-01", "limit": 10}
    parameters_class: ClassVar = ChangesParameters

    def get(self, request: Request, code: str) -> HttpResponseBase:
        given = self.parameters
        utility = Utility.objects.filter(utility_code=code).only("timezone").first()
        if utility is None:
            raise no_such_utility(code)
        access = access_to(code, ROWS[given["dataset"]]._default_manager.all(), bulk=self.is_unbounded)
        between = between_of(given, utility, access.sources)
        key = diffs.DATASETS[given["dataset"]].key
        if given["after"] is not None and len(given["after"]) != 1 + len(key):
            raise serializers.ValidationError({"after": ["It is a mark of another dataset."]})
        asked = diffs.Asked(given["dataset"], given["kind"], given["after"])
        return self.in_form(
            access,
            page=lambda: self._page(request, access, between, asked),
            file=lambda: self._file(request, access, between, asked, code),
        )

    def _page(
        self, request: Request, access: Access, between: diffs.Between, asked: diffs.Asked
    ) -> HttpResponseBase:
        limit = self.parameters["limit"] or ROWS_A_PAGE
        rows = diffs.page(between, asked, limit + 1)
        more = next_page(request, mark_of(rows[limit - 1], asked.dataset)) if len(rows) > limit else None
        ends: tuple[Any, Any] = (between.from_run, between.to_run)
        if between.since is not None and between.until is not None:
            ends = (between.since.isoformat(), between.until.isoformat())
        earlier, later = map(str, ends)
        shown = [_shown(row, asked.dataset) for row in rows[:limit]]
        return Response({"results": shown, "next": more, "from": earlier, "to": later} | access.note())

    def _file(
        self, request: Request, access: Access, between: diffs.Between, asked: diffs.Asked, code: str
    ) -> HttpResponseBase:
        pieces = (
            None if request.method == "HEAD" else Started(_copied(between, asked, self.parameters["limit"]))
        )
        return csv_answer(pieces, f"{code}-changes", access)


def between_of(given: dict[str, Any], utility: Utility, sources: list[int]) -> diffs.Between:
    """The two states that are meant. Raises ValidationError."""
    if given["from_run"] is not None or given["to_run"] is not None:
        return _between_runs(given, utility, sources)
    if given["from"] is None:
        raise serializers.ValidationError(
            {"from": ["Since when? Give from (and to), or from_run (and to_run)."]}
        )
    since = instant_of(given["from"], utility.timezone, "from")
    until = instant_of(given["to"], utility.timezone, "to") or timezone.now()
    assert since is not None  # noqa: S101 - it is given
    if since > until:
        raise serializers.ValidationError({"from": ["It comes after `to`."]})
    return diffs.Between(sources, since=since, until=until)


def _between_runs(given: dict[str, Any], utility: Utility, sources: list[int]) -> diffs.Between:
    for name in ("from", "to"):
        if given[name] is not None:
            raise serializers.ValidationError({name: ["Days and runs do not go together; give one of them."]})
    if given["from_run"] is None:
        raise serializers.ValidationError({"from_run": ["From which run?"]})
    earlier = _run("from_run", given["from_run"], utility, sources)
    if given["to_run"] is None:
        later = earlier.source.published_run_id or earlier.pk
    else:
        later = _run("to_run", given["to_run"], utility, sources, source=earlier.source_id).pk
    if earlier.pk > later:
        raise serializers.ValidationError({"from_run": ["It comes after `to_run`."]})
    return diffs.Between([earlier.source_id], from_run=earlier.pk, to_run=later)


def _run(
    name: str, pk: int, utility: Utility, sources: list[int], *, source: int | None = None
) -> HCIngestionRun:
    """A published run whose rows may leave. Raises ValidationError that says what it is instead."""
    run = HCIngestionRun.objects.select_related("source").filter(pk=pk, utility=utility).first()
    why = ""
    if run is None or run.source_id not in sources:
        why = "This utility has no such run whose rows are given out."
    elif run.status != RunStatus.COMPLETED:
        why = f"Run {pk} is {run.status}: readers never saw what it read."
    elif run.replaced_by_id is not None:
        why = f"Run {pk} was loaded anew with run {run.replaced_by_id}, and its own history is no more."
    elif source is not None and run.source_id != source:
        why = "The two runs are of different sources."
    if run is None or why:
        raise serializers.ValidationError({name: [why]})
    return run


def _shown(row: dict[str, Any], dataset: str) -> dict[str, Any]:
    key = diffs.DATASETS[dataset].key

    def values(of: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if of is None else {name: of[name] for name in row["columns"] if name in of}

    return {
        "kind": row["kind"],
        "source": row["source"],
        "key": row[key[0]],
        "feeder_id_external": row["feeder_id_external"],
        "capacity_type": row.get("capacity_type"),
        "variant": row.get("variant"),
        "columns": row["columns"],
        "before": values(row["earlier"]),
        "after": values(row["later"]),
    }


def _copied(between: diffs.Between, asked: diffs.Asked, limit: int | None) -> Generator[bytes, None, None]:
    """The file in pieces, as PostgreSQL writes it; `limit` cuts it short."""
    sql, given = diffs.csv_sql(between, asked, FORMULA)
    if limit is not None:
        sql += f" LIMIT {limit}"
    gathered = bytearray((",".join(diffs.CSV_COLUMNS) + "\n").encode())
    with connection.cursor() as cursor:
        operations: Any = connection.ops
        selected = operations.compose_sql(sql, given)  # COPY takes no parameters of its own
        with cursor.copy(f"COPY ({selected}) TO STDOUT (FORMAT csv)") as copy:
            for row in copy:
                gathered += row
                if len(gathered) > BYTES_A_PIECE:
                    yield bytes(gathered)
                    gathered.clear()
    yield bytes(gathered)
