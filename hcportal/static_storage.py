"""Static files under names that hold their content's hash, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # ships no types
    """Renames in JavaScript's own imports too: the map is made of modules that import each other."""

    support_js_module_import_aggregation = True
