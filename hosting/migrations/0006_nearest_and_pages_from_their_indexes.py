"""Indexes that answer by themselves which rows the API's filters let through, and which are nearest.

btree_gist comes with PostgreSQL and may be added by the owner of the database.
"""

import django.contrib.gis.db.models.fields
import django.contrib.postgres.indexes
import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("hosting", "0005_trigrams_for_search"),
        ("utilities", "0002_runs_that_readers_and_lake_hold"),
    ]

    operations = [
        # Left where it is on the way back: others may use it.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gist", migrations.RunSQL.noop),
        migrations.RemoveIndex(
            model_name="hostingcapacityrecord",
            name="record_geography",
        ),
        migrations.AddIndex(
            model_name="hostingcapacityrecord",
            index=models.Index(
                fields=["utility", "capacity_type", "variant", "id"],
                include=("source", "remaining_capacity_mw", "hosting_capacity_mw", "constraining_metric"),
                name="record_page",
            ),
        ),
        migrations.AddIndex(
            model_name="hostingcapacityrecord",
            index=django.contrib.postgres.indexes.GistIndex(
                models.F("capacity_type"),
                models.F("variant"),
                django.db.models.functions.comparison.Cast(
                    "geometry", django.contrib.gis.db.models.fields.GeometryField(geography=True, srid=4326)
                ),
                models.F("remaining_capacity_mw"),
                name="record_near",
            ),
        ),
    ]
