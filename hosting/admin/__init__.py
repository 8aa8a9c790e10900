"""The admin: is everything well, how did each run go, and what does a row say.

`overview.py` is its first screen. `big_tables.py` and `maps.py` are what the models' modules build on: paging
that does not count millions of rows, and a map that needs no other host.
"""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from hosting.admin import capacity, ders, network, quality, runs, sources, trials, unresolved, uploads
from utilities.admin import NOTHING

admin.site.site_header = _("hcportal administration")
admin.site.site_title = "hcportal"
admin.site.index_title = _("Is everything well?")
admin.site.empty_value_display = NOTHING
admin.site.enable_nav_sidebar = False  # lists are wide; the first screen names every model

__all__ = ["capacity", "ders", "network", "quality", "runs", "sources", "trials", "unresolved", "uploads"]
