"""Indexes that search needs (hosting/search.py): any part of a name, the beginning of an id.

In SQL, because the expressions must be letter for letter those of the queries. pg_trgm comes with PostgreSQL
and may be added by the owner of the database.
"""

from django.db import migrations

SQUEEZED = "translate(upper({}), ' -_./\\#()&,;:%%''\"+*', '')"
FEEDER = SQUEEZED.format("external_id || ' ' || name").replace("%%", "%")
SUBSTATION = SQUEEZED.format("substation_name").replace("%%", "%")


class Migration(migrations.Migration):
    dependencies = [("hosting", "0004_long_lines_beside_the_rows")]

    operations = [
        # Left where it is on the way back: others may use it, and it may be another's.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS pg_trgm", migrations.RunSQL.noop),
        migrations.RunSQL(
            f"CREATE INDEX feeder_words ON hosting_feeder USING gin (({FEEDER}) gin_trgm_ops)",
            "DROP INDEX feeder_words",
        ),
        migrations.RunSQL(
            "CREATE INDEX feeder_beginning ON hosting_feeder (upper(external_id) text_pattern_ops)",
            "DROP INDEX feeder_beginning",
        ),
        migrations.RunSQL(
            "CREATE INDEX feeder_alias_beginning"
            " ON hosting_feederalias (upper(external_id) text_pattern_ops)",
            "DROP INDEX feeder_alias_beginning",
        ),
        migrations.RunSQL(
            "CREATE INDEX record_substation_words ON hosting_hostingcapacityrecord"
            f" USING gin (({SUBSTATION}) gin_trgm_ops)",
            "DROP INDEX record_substation_words",
        ),
    ]
