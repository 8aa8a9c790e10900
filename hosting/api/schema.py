"""Descriptions: of all APIs, see hcportal/api/schema.py, and kept for older imports."""

from hcportal.api.schema import *  # noqa: F403
