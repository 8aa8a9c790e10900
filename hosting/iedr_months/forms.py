"""How cells are written in these files: nothing in three ways, ids as floats, a day in six forms."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

NOTHING = ("NULL", "null", "")
BYTE_ORDER_MARK = "\ufeff"
TECHNOLOGIES = (
    "SolarPV", "EnergyStorageSystem", "Wind", "MicroTurbine", "SynchronousGenerator", "InductionGenerator",
    "FarmWaste", "FuelCell", "CombinedHeatandPower", "GasTurbine", "Hydro", "InternalCombustionEngine",
    "SteamTurbine", "Other",
)  # fmt: skip
HEADERS = {
    "utility1_circuits": '"",Circuits_Phase3_CIRCUIT,Circuits_Phase3_NUMPHASES,Circuits_Phase3_OVERUNDER,'
    "Circuits_Phase3_PHASE,NYHCPV_csv_NSECTION,NYHCPV_csv_NFEEDER,NYHCPV_csv_NVOLTAGE,NYHCPV_csv_NMAXHC,"
    "NYHCPV_csv_NMAPCOLOR,NYHCPV_csv_FFEEDER,NYHCPV_csv_FVOLTAGE,NYHCPV_csv_FMAXHC,NYHCPV_csv_FMINHC,"
    "NYHCPV_csv_FHCADATE,NYHCPV_csv_FNOTES,Shape_Length",
    "utility1_install_der": "ProjectID,ProjectType,NamePlateRating,TotalChargesCESIR,"
    "TotalChargesConstruction,CESIR_EST,SystemUpgrade_EST,ProjectCircuitID,Hybrid," + ",".join(TECHNOLOGIES),
    "utility1_planned_der": "ProjectType,NamePlateRating,InServiceDate,ProjectStatus,ProjectID,"
    "CompletionDate,ProjectCircuitID,Hybrid," + ",".join(TECHNOLOGIES),
    "utility2_circuits": "Master_CDF,feeder_voltage,feeder_max_hc,feeder_min_hc,"
    "feeder_dg_connected_since_refresh,hca_refresh_date,color,shape_length",
    "utility2_install_der": f"{BYTE_ORDER_MARK}DER_ID,SERVICE_STREET_ADDRESS,DER_TYPE,DER_NAMEPLATE_RATING,"
    "DER_INTERCONNECTION_LOCATION,INTERCONNECTION_COST",
    "utility2_planned_der": f"{BYTE_ORDER_MARK}DER_TYPE,DER_NAMEPLATE_RATING,INVERTER_NAMEPLATE_RATING,"
    "PLANNED_INSTALLATION_DATE,DER_STATUS,DER_STATUS_RATIONALE,TOTAL_MW_FOR_SUBSTATION,"
    "INTERCONNECTION_QUEUE_REQUEST_ID,INTERCONNECTION_QUEUE_POSITION,DER_INTERCONNECTION_LOCATION",
}


class Rows(Protocol):
    """Where rows go."""

    def writerows(self, rows: Iterable[Iterable[Any]], /) -> None: ...


@contextmanager
def written(folder: Path, name: str) -> Iterator[Rows]:
    """A file of the month, with its header."""
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(HEADERS[name] + "\n")
        yield csv.writer(file, lineterminator="\n")


def nothing(chance: float) -> str:
    """One of the ways to say nothing."""
    return NOTHING[int(chance * len(NOTHING))]


def hundredths(value: int) -> str:
    """120 as 1.2."""
    return f"{value / 100:.2f}".rstrip("0").rstrip(".")


def tenths(value: int) -> str:
    """5 as 0.5, 50 as 5.0."""
    return f"{value // 10}.{value % 10}"


def day(when: date, form: int) -> str:
    """A day in one of six forms; 0 to 4 are the second utility's too."""
    american = f"{when.month}/{when.day}/{when.year}"
    return (
        f"{when:%Y-%m-%d}",
        american,
        f"{american} 0:00",
        f"{when:%Y-%m-%d} 00:00:00+00:00",
        f"{when:%Y/%m/%d} 00:00:00+00",
        f"{when:%Y-%m-%d} 00:00:00",
    )[form]
