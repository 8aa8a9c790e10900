"""Which sources readers of pages and tiles see."""

import pytest
from django.db import connection

from hosting.models import HostingCapacityRecord
from hosting.visible import VISIBLE_SQL, visible, visible_sources
from tests.factories import make_feeder, make_published_run, make_record, make_run, make_source
from utilities.models import Redistribution

pytestmark = pytest.mark.django_db


def test_published_sources_of_the_catalog_are_seen_unless_their_terms_forbid_it() -> None:
    seen = set()
    for redistribution in Redistribution:
        for in_catalog in (True, False):
            for run in (make_run, make_published_run):
                made = run(make_source(redistribution=redistribution, in_catalog=in_catalog))
                record = make_record(make_feeder(made))
                if in_catalog and run is make_published_run and redistribution != "forbidden":
                    seen.add((made.source_id, record.pk))
    assert len(seen) == 3

    assert {source.pk for source in visible_sources()} == {source for source, _record in seen}
    rows = visible(HostingCapacityRecord.objects.all())
    assert {row.pk for row in rows} == {record for _source, record in seen}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT s.id FROM utilities_source s WHERE {VISIBLE_SQL}")
        assert {pk for (pk,) in cursor.fetchall()} == {source for source, _record in seen}
