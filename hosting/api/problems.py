"""Errors: of all APIs, see hcportal/api/problems.py, and kept for older imports."""

from hcportal.api.problems import *  # noqa: F403
