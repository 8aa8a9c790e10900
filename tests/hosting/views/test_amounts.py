"""Numbers in words: none of the ways of not being a number passes for another, or for zero."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from hosting.views import amounts


def row(
    status: str = "published", hosting: str | None = None, left: str | None = None, basis: str = "hosting"
) -> object:
    return SimpleNamespace(
        hosting_capacity_mw=hosting and Decimal(hosting),
        remaining_capacity_mw=left and Decimal(left),
        remaining_basis=basis,
        capacity_status=status,
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("12.4", "12.4"),
        ("12.00000", "12"),
        ("0", "0"),
        ("0.00000", "0"),
        ("0.004", "0.004"),
        ("0.00001", "0.00001"),
        ("-0.47", "\u22120.47"),
        ("-0.00001", "\u22120.00001"),
        ("1234.567", "1,234.57"),
        ("0.995", "1"),
    ],
)
def test_a_number_is_short_and_never_rounded_to_zero(value: str, said: str) -> None:
    assert amounts.plain(Decimal(value)) == said


def test_numbers_of_a_column_keep_their_places() -> None:
    assert [amounts.plain(Decimal(value), pad=True) for value in ("14", "9.3", "0", "-1")] == [
        "14.00",
        "9.30",
        "0.00",
        "\u22121.00",
    ]


@pytest.mark.parametrize(
    ("status", "value", "said", "shown_as"),
    [
        ("published", "3.8", "3.8\u2009MW", "over_2"),
        ("published", "0", "0\u2009MW", "zero"),
        ("at_least", "10", "at least 10\u2009MW", "over_5"),
        ("withheld", None, "withheld", "withheld"),
        ("not_studied", None, "not studied", "not_studied"),
        ("unknown", None, "not known", "unknown"),
        ("published", None, "not known", "unknown"),
    ],
)
def test_every_status_has_words_and_a_look_of_its_own(
    status: str, value: str | None, said: str, shown_as: str
) -> None:
    hosting = amounts.hosting(row(status, hosting=value))
    assert (str(hosting), hosting.swatch) == (said, shown_as)
    remaining = amounts.remaining(row(status, left=value))
    assert (str(remaining), remaining.swatch) == (said, shown_as)


def test_what_is_published_as_remaining_is_no_bound_though_the_hosting_capacity_is() -> None:
    assert str(amounts.remaining(row("at_least", left="3", basis="published"))) == "3\u2009MW"
    assert str(amounts.remaining(row("at_least", left="3", basis="hosting_less_installed"))).startswith(
        "at least"
    )


def test_no_limit_and_an_unknown_word_are_two_things() -> None:
    assert amounts.limit(None) == "No limit posted"
    assert amounts.limit("unknown") == "A limit that this portal has no word for"
    assert amounts.limit("reverse_power") == "Reverse power"
