"""The map from afar: records counted in square cells, made when data are published (hosting/tiles/grid.py).

At each zoom of 0 to 7 a tile of 512 pixels has 64 x 64 cells. A record is in the cell of its centroid.
"""

from django.db import models

from hosting.models.words import CapacityType
from utilities.models import Utility


class OfUtilityOrAll(models.Model):
    """Null stands for all utilities together.

    No constraint in the database, and nothing to be deleted first: a utility that is removed leaves rows that
    no reader is shown, and the next refresh takes them away.
    """

    utility = models.ForeignKey(
        Utility,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        abstract = True


class OverviewCell(OfUtilityOrAll):
    """What is known of the records in one cell: of one utility, or of all together where it is null.

    The cells of all utilities are not sums of the others: medians do not add up.
    """

    capacity_type = models.CharField(max_length=10, choices=CapacityType)
    variant = models.SlugField(max_length=40, db_index=False)
    zoom = models.PositiveSmallIntegerField(help_text="0 to 7")
    tile_x = models.PositiveSmallIntegerField()
    tile_y = models.PositiveSmallIntegerField()
    cell = models.PositiveSmallIntegerField(help_text="0 to 4095: row x 64 + column, from the north-west")
    records = models.PositiveIntegerField()
    remaining_known = models.PositiveIntegerField(help_text="Records whose remaining capacity is known")
    remaining_median_mw = models.FloatField(null=True)
    remaining_max_mw = models.FloatField(null=True)
    hosting_known = models.PositiveIntegerField(help_text="Records whose hosting capacity is known")
    hosting_median_mw = models.FloatField(null=True)
    hosting_max_mw = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["utility", "capacity_type", "variant", "zoom", "tile_x", "tile_y", "cell"],
                nulls_distinct=False,
                name="overview_cell_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.zoom}/{self.tile_x}/{self.tile_y} cell {self.cell}"


class OverviewState(OfUtilityOrAll):
    """Which runs of which sources the cells of a utility (null: of all) were made from."""

    sources = models.TextField(help_text="source:run, in order of the source, with commas")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["utility"], nulls_distinct=False, name="overview_state_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.utility_id or 'all'}: {self.sources}"
