"""Errors a person can meet, each named for what happened.

The message says what happened, to which source, what was kept and what to do. Whatever is raised from here
is shown as it is: on stderr by commands, on the run in the admin. Anything else is a bug and keeps its
traceback.
"""


class HcportalError(Exception):
    """Base of every error whose message is meant for a person."""


class CatalogError(HcportalError):
    """A catalog entry cannot be used; the message starts with file and line."""


class UnknownName(HcportalError):
    """A utility, source or option that does not exist; the message lists what does."""


class FetchError(HcportalError):
    """Nothing whole was fetched. Base of all that can go wrong between a publisher and bronze."""


class RefusedAddress(FetchError):
    """An address that hcportal does not talk to: wrong scheme, private network, foreign redirect."""


class Unreachable(FetchError):
    """The server did not answer, or went on failing after all retries."""


class BadAnswer(FetchError):
    """The server answered with something that is not what was asked for (an HTML page, cut-off JSON)."""


class ServiceError(FetchError):
    """The service itself refused: an Esri error object, with its code and the server's words.

    `code` is the Esri or HTTP status (400, 403, 498, ...).
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class IncompleteFetch(FetchError):
    """Fewer or other rows than the layer holds; the message names the object ids."""


class SourceChanged(FetchError):
    """The layer was edited while it was read, twice."""


class MissingField(FetchError):
    """A field that the catalog maps is not in the layer."""


class EmptySource(FetchError):
    """The source has no rows, where it had some before."""


class SourceBusy(HcportalError):
    """Another run of this source is under way."""


class Cancelled(HcportalError):
    """A person stopped it in the admin."""


class QueueUnreachable(HcportalError):
    """Redis, which hands work to the worker, does not answer; nothing was started."""


class NotTaken(HcportalError):
    """A file or a month that a person uploads is not taken; nothing of it was stored."""


class NotDecided(HcportalError):
    """A decision on a run was not taken: by the wrong person, too late, or on a run that waits for none."""


class NothingToReturnTo(HcportalError):
    """A rollback names a run whose state readers never saw, or see already."""


class NotPromoted(HcportalError):
    """A state does not go to another environment: not settled, not checked, older, or not that way."""


class Interrupted(HcportalError):
    """A run's process ended before the run did."""


class LakeError(HcportalError):
    """The lake's tables do not hold what the database says they should."""
