"""What a source's terms let readers do, in words."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from utilities.models import Redistribution, Source


@dataclass(frozen=True)
class Terms:
    """A `word` for lists, a `sentence` beside the data, and what may leave the pages."""

    word: str
    sentence: str
    lets_rows_leave: bool  # page by page, or one published row
    lets_all_leave: bool  # as a file of everything


def terms(source: Source) -> Terms:
    """The terms of a source, as the catalog holds them."""
    redistribution = Redistribution(source.redistribution)
    word, sentence = {
        Redistribution.ALLOWED: (
            _("allowed"),
            _("Its terms let the figures be shown and passed on."),
        ),
        Redistribution.DISPLAY_ONLY: (
            _("display only"),
            _("Its terms let the figures be shown here, and not be passed on as rows or files."),
        ),
        Redistribution.FORBIDDEN: (
            _("not allowed"),
            _("Its terms forbid reading it: nothing of it is shown."),
        ),
        Redistribution.UNKNOWN: (
            _("terms unknown"),
            _(
                "It is not known whether its terms let it be passed on:"
                " rows are given page by page, never all."
            ),
        ),
    }[redistribution]
    return Terms(
        word,
        sentence,
        lets_rows_leave=redistribution in {Redistribution.ALLOWED, Redistribution.UNKNOWN},
        lets_all_leave=redistribution == Redistribution.ALLOWED,
    )
