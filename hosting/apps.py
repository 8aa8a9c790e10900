from django.apps import AppConfig


class HostingConfig(AppConfig):
    name = "hosting"
    verbose_name = "Hosting capacity"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        import hcportal.celery  # noqa: F401 so that the web process can send tasks too
        from hosting import state_views
        from hosting.tiles.grid import refresh
        from utilities.sync import catalog_synced

        catalog_synced.connect(lambda **_: refresh(), weak=False, dispatch_uid="hosting.tiles.grid")
        pre_migrate.connect(state_views.drop, sender=self)
        post_migrate.connect(state_views.create, sender=self)
