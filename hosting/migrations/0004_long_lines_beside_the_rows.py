"""Keep shapes beside their rows, so that reading rows does not read shapes.

PostGIS asks for storage in the row itself where it fits (MAIN). A feeder of 200 points has 3 kB twice, so that
a page held one row: 40,000 records took 300 MB, and 16 MB without their shapes, which are read where they are
needed. Uncompressed, because coordinates do not compress. Rows that are there already move when they are
written anew.
"""

from django.db import migrations

COLUMNS = {
    "hosting_hostingcapacityrecord": ("geometry", "geometry_3857"),
    "hosting_hostingcapacityrecordversion": ("geometry",),
}


def statements(storage: str) -> str:
    return "\n".join(
        f"ALTER TABLE {table} {', '.join(f'ALTER COLUMN {name} SET STORAGE {storage}' for name in names)};"
        for table, names in COLUMNS.items()
    )


class Migration(migrations.Migration):
    dependencies = [("hosting", "0003_trials_that_people_ask_for")]

    operations = [migrations.RunSQL(statements("EXTERNAL"), statements("MAIN"))]
