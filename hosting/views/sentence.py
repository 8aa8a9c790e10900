"""A feeder's figure in plain English: what a person would say who knows what it means."""

from django.utils.translation import gettext as _

from hosting.models import CapacityStatus, ConstrainingMetric, HostingCapacityRecord
from hosting.models.words import RemainingBasis
from hosting.views import amounts
from hosting.views.standing import Standing


def sentences(record: HostingCapacityRecord, standing: Standing) -> list[str]:
    """What can be said of `record`, the most important first; each a whole sentence."""
    said = [_capacity(record), _limit(record), _ders(record), _doubt(standing)]
    return [each for each in said if each]


def _capacity(record: HostingCapacityRecord) -> str:
    words = {
        "utility": record.utility.utility_name,
        "type": amounts.type_word(record.capacity_type),
        "remaining": amounts.remaining(record),
        "hosting": amounts.hosting(record),
    }
    left = record.remaining_capacity_mw
    if left is not None:
        if left > 0:
            return (
                _("According to %(utility)s, this feeder can still take %(remaining)s of %(type)s.") % words
            )
        if left == 0:
            return _("According to %(utility)s, this feeder has no room left for %(type)s.") % words
        words["over"] = amounts.amount(-left)
        return (
            _(
                "According to %(utility)s, this feeder has no room left for %(type)s: what is there and"
                " planned is %(over)s more than its study allows."
            )
            % words
        )
    if record.hosting_capacity_mw is not None:
        return _hosting_only(record) % words
    return _nothing(record) % words


def _hosting_only(record: HostingCapacityRecord) -> str:
    if record.remaining_basis == RemainingBasis.UNKNOWN:
        return _(
            "According to %(utility)s, this feeder can host %(hosting)s of %(type)s. How much of that is"
            " still free is not known: the utility does not say whether its study counts what is connected."
        )
    return _(
        "According to %(utility)s, this feeder can host %(hosting)s of %(type)s. How much of that is still"
        " free is not known."
    )


def _nothing(record: HostingCapacityRecord) -> str:
    if record.capacity_status == CapacityStatus.WITHHELD:
        return _("%(utility)s has a figure for %(type)s on this feeder and does not show it.")
    if record.capacity_status == CapacityStatus.NOT_STUDIED:
        return _("%(utility)s says that it has not studied %(type)s on this feeder.")
    return _(
        "%(utility)s publishes no figure for %(type)s on this feeder that can be read."
        " That does not mean zero."
    )


def basis(record: HostingCapacityRecord) -> str:
    """How what remains came about, as a sentence."""
    return {
        RemainingBasis.PUBLISHED.value: _("What remains is published as such."),
        RemainingBasis.HOSTING.value: _(
            "What remains is the hosting capacity itself, because the study already counts what is there."
        ),
        RemainingBasis.LESS_INSTALLED.value: _(
            "What remains is the hosting capacity less what is installed."
        ),
        RemainingBasis.LESS_QUEUED.value: _("What remains is the hosting capacity less what is queued."),
        RemainingBasis.LESS_INSTALLED_AND_QUEUED.value: _(
            "What remains is the hosting capacity less what is installed and queued."
        ),
    }.get(
        record.remaining_basis,
        _("What remains is not derived: the utility does not say whether its study counts what is there."),
    )


def _limit(record: HostingCapacityRecord) -> str:
    if record.hosting_capacity_mw is None and record.remaining_capacity_mw is None:
        return ""
    return {
        ConstrainingMetric.THERMAL.value: _("The first limit is thermal: something would overheat."),
        ConstrainingMetric.VOLTAGE.value: _("The first limit is voltage."),
        ConstrainingMetric.PROTECTION.value: _(
            "The first limit is protection: faults would no longer be cleared as planned."
        ),
        ConstrainingMetric.ISLANDING.value: _(
            "The first limit is islanding: a piece of the grid could go on feeding itself."
        ),
        ConstrainingMetric.REVERSE_POWER.value: _("The first limit is reverse power."),
        ConstrainingMetric.UNKNOWN.value: _("The utility names a limit that this portal has no word for."),
    }.get(record.constraining_metric or "", "")


def _ders(record: HostingCapacityRecord) -> str:
    installed, queued = record.installed_dg_mw, record.queued_dg_mw
    words = {"installed": amounts.amount(installed), "queued": amounts.amount(queued)}
    if installed is not None and queued is not None:
        return _("%(installed)s are installed on it and %(queued)s are queued.") % words
    if installed is not None:
        return _("%(installed)s are installed on it; what is queued is not published.") % words
    if queued is not None:
        return _("%(queued)s are queued; what is installed is not published.") % words
    return ""


def _doubt(standing: Standing) -> str:
    """What makes the figures less sure than they look: nothing, where the source stands well."""
    if standing.tone == "good":
        return ""
    return _("Mind the source: %(word)s.") % {"word": standing.word}
