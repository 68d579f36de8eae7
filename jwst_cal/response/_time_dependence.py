"""Loss of throughput with time, from the tables of a photom reference."""

import numpy as np

__all__ = ["factors"]

DAYS_PER_YEAR = 365.0


def factors(photom, time):
    """
    Give the throughput at a time relative to that of the reference, for each row of the table.

    Parameters
    ----------
    photom : data model
        Photom reference with ``phot_table`` and any of ``timecoeff_linear``,
        ``timecoeff_exponential``, ``timecoeff_powerlaw``, whose rows belong to its rows.
    time : float
        Middle of the exposure, MJD.

    Returns
    -------
    float64 [row]
        Product of the corrections present; 1 without any. Conversion factors are divided by it.

    Raises
    ------
    ValueError
        If a table has another number of rows, or a correction is needed and the time missing.

    Notes
    -----
    Source: documentation of the photom step of jwst 3.0.0, which computes in float32: the two
    agree within 1e-6.
    """
    result = np.ones(len(photom.phot_table))
    for name, law in _LAWS.items():
        table = getattr(photom, name, None)
        if table is not None:
            if len(table) != len(result):
                raise ValueError(f"{name} has {len(table)} rows, phot_table {len(result)}")
            if time is None:
                raise ValueError("the time of the exposure (EXPMID) is missing")
            values = {key: np.asarray(table[key], np.float64) for key in table.dtype.names
                      if table[key].dtype.kind == "f"}
            result *= law(time - values["t0"], values)
    return result


def _linear(days, table):
    return 1.0 - table["lossperyear"] * days / DAYS_PER_YEAR


def _exponential(days, table):
    return table["amplitude"] * np.exp(-days / table["tau"]) + table["const"]


def _powerlaw(days, table):
    softening, alpha = table["tsoft"], table["alpha"]
    return (days + softening) ** alpha * table["year1value"] / (DAYS_PER_YEAR + softening) ** alpha


_LAWS = {"timecoeff_linear": _linear, "timecoeff_exponential": _exponential,
         "timecoeff_powerlaw": _powerlaw}
