"""Numbers in addresses: of all APIs, see hcportal/api/numbers.py, and kept for older imports."""

from hcportal.api.numbers import *  # noqa: F403
