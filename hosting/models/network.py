"""The physical network above the feeders, as published (PG&E's GRIP) or by published substation names."""

from django.contrib.gis.db import models

from utilities.models import Source, Utility


class Substation(models.Model):
    """A distribution substation of a utility."""

    utility = models.ForeignKey(Utility, on_delete=models.PROTECT, related_name="substations")
    source = models.ForeignKey(
        Source,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The layer that publishes it; null where only its name was met",
    )
    name = models.CharField(max_length=200)
    external_id = models.CharField(max_length=120, blank=True)
    division = models.CharField(max_length=120, blank=True)
    voltage_kv = models.DecimalField(max_digits=8, decimal_places=3, null=True, blank=True)
    installed_dg_mw = models.DecimalField(max_digits=12, decimal_places=5, null=True, blank=True)
    queued_dg_mw = models.DecimalField(max_digits=12, decimal_places=5, null=True, blank=True)
    geometry = models.PointField(srid=4326, null=True, blank=True)
    geometry_3857 = models.PointField(srid=3857, null=True, blank=True)

    class Meta:
        ordering = ["utility", "name"]
        constraints = [models.UniqueConstraint(fields=["utility", "name"], name="substation_name_unique")]

    def __str__(self) -> str:
        return self.name


class SubstationLoadProfile(models.Model):
    """Typical load of a substation in one hour of a month's days: 12 x 24 = 288 rows each."""

    substation = models.ForeignKey(Substation, on_delete=models.CASCADE, related_name="load_profiles")
    month = models.PositiveSmallIntegerField(help_text="1 to 12")
    hour = models.PositiveSmallIntegerField(help_text="0 to 23, the hour's start, utility time")
    low_kw = models.DecimalField(max_digits=14, decimal_places=3, null=True)
    high_kw = models.DecimalField(max_digits=14, decimal_places=3, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["substation", "month", "hour"], name="load_profile_hour_unique"),
            models.CheckConstraint(
                condition=models.Q(month__range=(1, 12), hour__range=(0, 23)), name="load_profile_hour_valid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.substation} month {self.month} hour {self.hour}"


class DivisionBoundary(models.Model):
    """The outline of one of a utility's operating divisions."""

    utility = models.ForeignKey(Utility, on_delete=models.PROTECT, related_name="divisions")
    name = models.CharField(max_length=120)
    geometry = models.MultiPolygonField(srid=4326)

    class Meta:
        verbose_name_plural = "division boundaries"
        constraints = [models.UniqueConstraint(fields=["utility", "name"], name="division_name_unique")]

    def __str__(self) -> str:
        return self.name
