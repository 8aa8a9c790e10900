"""Monthly files that a person uploads: handed to the worker, and loaded as the command loads a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from accounts.models import User
from hcportal.errors import Cancelled, NotTaken, SourceBusy
from hosting import trials
from hosting.models import HCIngestionRun, RunStatus, Trial, TrialKind, TrialStatus
from hosting.models.trials import OPEN
from hosting.uploads import folders
from utilities.models import Source, Utility


class UploadWord(StrEnum):
    """How a file of an upload stands."""

    WAITING = "waiting"
    UNDER_WAY = "under way"
    LOADED = "loaded"
    UNCHANGED = "unchanged"
    HELD = "held"
    REFUSED = "refused"
    CANCELLED = "not loaded"


WORDS = {
    RunStatus.COMPLETED: UploadWord.LOADED,
    RunStatus.UNCHANGED: UploadWord.UNCHANGED,
    RunStatus.HELD: UploadWord.HELD,
    RunStatus.FAILED: UploadWord.REFUSED,
    RunStatus.CANCELLED: UploadWord.CANCELLED,
}


def refuse_second(utility: Utility) -> None:
    """Raise SourceBusy where another upload of the utility's is under way."""
    if Trial.objects.filter(utility=utility, kind=TrialKind.UPLOAD, status__in=OPEN).exists():
        raise SourceBusy(f"An upload of {utility} is under way already. Nothing was stored.")


def ask(
    utility: Utility, *, by: User, month: date, force: bool, folder: Path, files: list[dict[str, Any]]
) -> Trial:
    """Have the worker load the files in `folder`, named in `files` by source. The folder is the trial's then.

    Raises SourceBusy, QueueUnreachable: nothing began.
    """
    options = {"month": f"{month:%Y-%m}", "force": force, "folder": folder.name, "files": files}
    return trials.hand_over(TrialKind.UPLOAD, by=by, source=None, utility=utility, options=options)


def carry_out(trial: Trial) -> None:
    """Load the files, in the worker, and close the trial. The folder is gone then. Raises HcportalError."""
    try:
        _Loading(trial).load()
    finally:
        folders.remove(trial.options["folder"])


class _Loading:
    """The files of one trial on their way; writes onto the trial what became of each."""

    def __init__(self, trial: Trial) -> None:
        if trial.utility is None:
            raise NotTaken("The utility is no more. Nothing was loaded.")
        self._trial = trial
        self._files = {file["source"]: file for file in trial.options["files"]}
        sources = trial.utility.sources.filter(code__in=self._files).select_related("utility")
        self._sources = sorted(sources, key=lambda source: ("ders" in source.config_json, source.pk))
        self._told = {source.code: _line(source, UploadWord.WAITING) for source in self._sources}

    def load(self) -> None:
        from hosting.file_feeds import Given
        from hosting.series import ingest_all, told
        from hosting.sources.files.folder import month_of

        trial = self._trial
        folder = folders.path_of(trial.options["folder"])
        if not folder.is_dir():
            raise NotTaken("The uploaded files are there no more. Nothing was loaded; upload them again.")
        given = Given(folder, month_of(trial.options["month"]))
        force = bool(trial.options.get("force"))
        self._write()
        try:
            for outcome in ingest_all(
                self._sources, given, force=force, follow=self._follow, started_by=trial.started_by
            ):
                run = outcome.run
                good = run is not None and run.status in (RunStatus.COMPLETED, RunStatus.UNCHANGED)
                said = told(run) if run is not None and good and not outcome.message else outcome.message
                self._tell(outcome.source, run, said)
        except Cancelled:
            self._cancelled()
            raise
        self._end()

    @contextmanager
    def _follow(self, source: Source) -> Iterator["trials.Following"]:
        """For the run of one source. Raises Cancelled where somebody stopped the trial before it."""
        self._trial.refresh_from_db(fields=["options", "status"])
        if by := self._trial.options.get("cancelled_by"):
            raise Cancelled(f"Cancelled by {by}. What was loaded before that stays.")
        self._told[source.code] = _line(source, UploadWord.UNDER_WAY)
        self._write(step="", rows_fetched=None, rows_expected=None)
        yield trials.Following(self._trial, source, lines=self._files[source.code].get("lines", 1) - 1)

    def _tell(self, source: Source, run: HCIngestionRun | None, said: str) -> None:
        word = WORDS[RunStatus(run.status)] if run is not None else UploadWord.REFUSED
        self._told[source.code] = _line(source, word, said, run)
        self._write()

    def _cancelled(self) -> None:
        for line in self._told.values():
            if line["word"] == UploadWord.WAITING:
                line["word"] = UploadWord.CANCELLED
        self._write()

    def _write(self, **values: Any) -> None:
        result = {"files": list(self._told.values())}
        Trial.objects.filter(pk=self._trial.pk).update(result=result, **values)

    def _end(self) -> None:
        words = [line["word"] for line in self._told.values()]
        refused = words.count(UploadWord.REFUSED)
        if UploadWord.CANCELLED in words:
            raise Cancelled("Cancelled while it was under way. What was loaded before that stays.")
        status = TrialStatus.FAILED if refused else TrialStatus.DONE
        error = ""
        if refused:
            error = f"{refused} of {len(words)} files refused; readers keep what they had of it."
        result = {"files": list(self._told.values())}
        trials.end(self._trial, status, error, result=result)


def _line(source: Source, word: str, said: str = "", run: HCIngestionRun | None = None) -> dict[str, Any]:
    """What became of a file, for the trial's page."""
    return {
        "source": source.code,
        "source_id": source.pk,
        "title": source.title,
        "word": word,
        "said": said,
        "run": run.pk if run is not None else None,
    }


def cancel(trial: Trial, by: User) -> str:
    """Stop an upload that the worker has: the run under way, and what would come after it. A sentence."""
    options = {**trial.options, "cancelled_by": by.get_username()}
    open_one = Trial.objects.filter(pk=trial.pk, status=TrialStatus.RUNNING)
    if not open_one.update(options=options):
        return "It had ended already; nothing was cancelled."
    if trial.run is not None and trial.run.status == RunStatus.RUNNING:
        return trials.cancel_run(trial.run, by)
    return "It stops before its next file. What is loaded stays."
