from django.apps import AppConfig


class HostingConfig(AppConfig):
    name = "hosting"
    verbose_name = "Hosting capacity"

    def ready(self) -> None:
        import hcportal.celery  # noqa: F401 so that the web process can send tasks too
