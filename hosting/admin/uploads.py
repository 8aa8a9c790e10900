"""Monthly files uploaded in the admin: from a utility's page to a form with a place for each of its files."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from hcportal.errors import HcportalError, NotTaken
from hosting import months, trials, upload_trials
from hosting.admin.rights import refusal, refused
from hosting.admin.trials import page_of
from hosting.models import HCIngestionRun, Trial, TrialKind
from hosting.models.trials import OPEN
from hosting.uploads import folders, taking
from hosting.uploads.receiving import Received, Receiver
from utilities.admin import UtilityAdmin
from utilities.models import Source, Utility

MOST_MONTHS = 24  # of the table of what is loaded
BYTES_A_MEGABYTE = 1_000_000
PREFIX = "file-"  # and the source's code: the name of a file's field


@dataclass
class Form:
    """What a person sends, and what is wrong with it: its month, a source's file, or the whole."""

    utility: Utility
    sources: list[Source]
    month: str = ""
    force: bool = False
    error: str = ""
    month_error: str = ""
    file_errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return not (self.error or self.month_error or self.file_errors)

    def judge(self, files: dict[str, Received], folder: Path) -> date | None:
        """Look at the files, by source, and put them where the command looks. None: something is wrong."""
        if not files:
            self.error = _("Choose at least one file. Nothing was stored.")
        try:
            month = taking.month_of(self.month, self.utility)
        except NotTaken as why:
            self.month_error = str(why)
        for source in self.sources:
            if source.code not in files:
                continue
            try:
                taking.refuse_file(files[source.code])
                if not self.month_error:
                    taking.refuse_month(source, month, force=self.force)
                    taking.place(files[source.code], source, folder, month)
            except NotTaken as why:
                self.file_errors[source.code] = str(why)
        return month if self.is_good else None


@admin.register(Utility)
class UploadAdmin(UtilityAdmin):
    change_form_template = "admin/utility.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.upload_view)
        return [path("<int:pk>/upload/", view, name="utilities_utility_upload"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        utility = self.get_object(request, object_id)
        context = {**(extra_context or {}), "may_upload": utility and may_upload(request, utility)}
        return super().change_view(request, object_id, form_url, context)

    # The token is in what is sent, and asked for once the files have a place to go (`_receive`).
    @method_decorator(csrf_exempt)
    def upload_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form, and its taking: on to the trial's page, or the form again with the reasons."""
        utility = Utility.objects.filter(pk=pk).first()
        sources = taking.monthly(utility) if utility else []
        if utility is None or not sources:
            raise Http404
        if why := refusal(request.user, TrialKind.UPLOAD, None):
            return refused(request, why, self.admin_site.each_context(request))
        trials.settle()
        form = Form(utility, sources)
        if request.method != "POST":
            form.month = f"{taking.next_month(sources):%Y-%m}"
            return self._page(request, form)
        try:
            with folders.receiving() as folder:
                return self._receive(request, form, folder)
        except OSError as trouble:
            form.error = _("The files cannot be kept here (%s). Nothing was stored.") % trouble.strerror
            return self._page(request, form)

    def _receive(self, request: HttpRequest, form: Form, folder: Path) -> HttpResponse:
        try:
            upload_trials.refuse_second(form.utility)
        except HcportalError as error:
            form.error = str(error)
        fields = {} if form.error else {PREFIX + one.code: taking.feed_of(one) for one in form.sources}
        receiver = Receiver(folder, fields, settings.HCP_UPLOAD_MB * BYTES_A_MEGABYTE)
        request.upload_handlers = [receiver]

        def take(request: HttpRequest) -> HttpResponse:
            form.month, form.force = request.POST.get("month", ""), request.POST.get("force") == "on"
            files = {name.removeprefix(PREFIX): file for name, file in receiver.files.items()}
            month = None if form.error else form.judge(files, folder)
            if month is None:
                return self._page(request, form)
            try:
                trial = upload_trials.ask(
                    form.utility,
                    by=request.user,  # type: ignore[arg-type]
                    month=month,
                    force=form.force,
                    folder=folder,
                    files=[files[one.code].told(one) for one in form.sources if one.code in files],
                )
            except HcportalError as error:
                form.error = str(error)
                return self._page(request, form)
            return HttpResponseRedirect(page_of(trial))

        answer: HttpResponse = csrf_protect(take)(request)
        return answer

    def _page(self, request: HttpRequest, form: Form) -> HttpResponse:
        files = [
            {
                "source": source,
                "field": PREFIX + source.code,
                "name": taking.feed_of(source).name,
                "closed": taking.closed(source),
                "newest": months.newest(source),
                "error": form.file_errors.get(source.code, ""),
            }
            for source in form.sources
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Upload monthly files of %(utility)s") % {"utility": form.utility},
            "opts": self.opts,
            "form": form,
            "files": files,
            "loaded": loaded_months(form.sources),
            "under_way": Trial.objects.filter(utility=form.utility, status__in=OPEN).first(),
            "most_mb": settings.HCP_UPLOAD_MB,
            "most_bytes": settings.HCP_UPLOAD_MB * BYTES_A_MEGABYTE,
        }
        return TemplateResponse(request, "admin/upload.html", context, status=200 if form.is_good else 400)


def may_upload(request: HttpRequest, utility: Utility) -> bool:
    """Whether the person may upload, and the utility has monthly files."""
    return not refusal(request.user, TrialKind.UPLOAD, None) and bool(taking.monthly(utility))


def loaded_months(sources: list[Source]) -> list[tuple[date, list[HCIngestionRun | None]]]:
    """The latest months, newest first, each with the run that loaded it of each source, or none."""
    of_source: list[dict[date, HCIngestionRun]] = []
    for source in sources:
        runs = months.loaded(source).defer("layer", "discovery", "config_json").order_by("pk")
        of_source.append({run.period: run for run in runs if run.period})
    every = sorted({month for mine in of_source for month in mine}, reverse=True)[:MOST_MONTHS]
    return [(month, [mine.get(month) for mine in of_source]) for month in every]
