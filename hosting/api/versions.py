"""ETags: of all APIs, see hcportal/api/versions.py, and kept for older imports."""

from hcportal.api.versions import *  # noqa: F403
