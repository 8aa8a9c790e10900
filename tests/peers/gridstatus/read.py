"""Reads a day of P-32 with gridstatus, in its own environment, for tests/peers/gridstatus_days.py.

python read.py URL DATE OUT [REPEATS]: `URL` is a server that answers as NYISO's publisher does. Writes the
rows as CSV to OUT ("-" for none), and tells the seconds of each further reading, its download left out.
"""

import sys
import time

import gridstatus
import gridstatus.nyiso
import pandas as pd
import requests


def main(url: str, day: str, out: str, repeats: str = "0") -> None:
    """The rows, and how long reading takes."""
    gridstatus.nyiso.OASIS_POSTINGS_URL = url
    nyiso = gridstatus.NYISO()
    found = nyiso.get_interface_limits_and_flows_5_min(day)
    if out != "-":
        found["Interval Start"] = (
            found["Interval Start"].dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        )
        found.to_csv(out, index=False)
    when = pd.Timestamp(day)
    body = requests.get(
        f"{url}/INTERFACE_LIMITS_FLOWS/CSV/{when:%Y/%m/%d}/ExternalLimitsFlows-{when:%Y%m%d}.csv", timeout=30
    ).content

    class Answer:
        status_code, content = 200, body

        def raise_for_status(self) -> None: ...

    gridstatus.nyiso.requests.get = lambda *_args, **_given: Answer()
    for _ in range(int(repeats)):
        began = time.perf_counter()
        nyiso.get_interface_limits_and_flows_5_min(day)
        sys.stdout.write(f"{time.perf_counter() - began}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
