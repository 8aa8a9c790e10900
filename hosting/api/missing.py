"""What to raise where an address names something that is not there."""

from django.http import Http404


def no_such_utility(code: str) -> Http404:
    """For the code of a utility that does not exist."""
    return Http404(f"There is no utility '{code}'. /api/v1/utilities lists all of them.")
