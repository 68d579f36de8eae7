"""Lazy names of a domain package: its steps, imported at first use."""

from jwst_cal import registry


def step_names(package):
    """
    Make the module-level ``__getattr__`` and ``__dir__`` that answer a package's step classes.

    Parameters
    ----------
    package : str
        Full name of the package, ``jwst_cal.detector`` for instance.

    Returns
    -------
    getattr, dir : callable
        Functions to bind to ``__getattr__`` and ``__dir__``.
    """
    below = package.partition(".")[2] + "."
    names = {row.class_name for row in registry.ROWS if row.module.startswith(below)}

    def get(name):
        if name in names:
            return registry.load(name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get, lambda: sorted(names)
