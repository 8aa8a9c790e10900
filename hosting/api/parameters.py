"""Strict parameters: of all APIs, see hcportal/api/parameters.py, and kept for older imports."""

from hcportal.api.parameters import *  # noqa: F403
