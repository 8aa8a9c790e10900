"""What every answer carries."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Everything a page needs is served by the project itself, and no script or style stands in the page: a page
# that breaks this rule is broken at once, on the developer's screen.
# The one exception is a basemap of somebody else's, where the portal's own settings name one.


def content_security_policy() -> str:
    """The policy of every page."""
    basemap = urlsplit(settings.HCP_MAP_TILES.replace("{s}", "*"))
    images = f" {basemap.scheme}://{basemap.netloc}" if basemap.netloc else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",  # the map cuts its tiles beside the page
            "style-src 'self'",
            "font-src 'self'",
            f"img-src 'self' data:{images}",  # Leaflet's empty tile is a data: address
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class ContentSecurityPolicy:
    """Sends the policy with every answer that has none of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = content_security_policy()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        return response
