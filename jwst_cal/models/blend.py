"""The header of a product made of several exposures, and the table of theirs.

The schema of the data model says for each keyword how values are merged (``blend_rule``) and which
are listed exposure by exposure in the extension HDRTAB (``blend_table``).
"""

import numpy as np

from jwst_cal.errors import InputError

__all__ = ["Blender"]

OUTSIDE = "outside calibration tolerance"


def _common(values):
    """The value that all share, else MULTIPLE."""
    return values[0] if len(set(values)) == 1 else "MULTIPLE"


#: Rules by name. Dates and times are ISO 8601, so that their order is that of their text.
RULES = {
    "multi": _common, "mean": np.mean, "sum": np.sum, "max": np.max, "min": np.min,
    "wheeltol": lambda values: OUTSIDE if OUTSIDE in values else "within commanded tolerance",
    "mintime": min, "mindate": min, "mindatetime": min,
    "maxtime": max, "maxdate": max, "maxdatetime": max,
}


class Blender:
    """
    Merge the metadata of several models of one kind.

    Parameters
    ----------
    ignore : iterable of str
        Attributes that are left alone, with all below them; ``meta.wcs`` always is.

    Notes
    -----
    Without a rule the first model's value is kept. Source: the data model schemas' ``blend_rule``
    and ``blend_table``.
    """

    def __init__(self, ignore=()):
        self._ignore = ("meta.wcs", *ignore)
        self._model_class = None
        self._first = {}
        self._values = {}
        self._columns = {}
        self._rows = {}

    def add(self, model):
        """
        Take in a model's metadata.

        Parameters
        ----------
        model : data model
            The model; nothing of it is kept but values.

        Raises
        ------
        InputError
            If it is of another class than the first one.
        """
        header = model.to_flat_dict(include_arrays=False)
        if self._model_class is None:
            self._begin(model, header)
        elif type(model).__name__ != self._model_class:
            raise InputError(f"{model.meta.filename}: a {type(model).__name__} among "
                             f"{self._model_class}s; their headers cannot be merged")
        for column, name in self._columns.items():
            self._rows[column].append(header.get(name))
        for name, (_, values) in self._values.items():
            if name in header:
                values.append(header[name])

    def _begin(self, model, header):
        self._model_class = type(model).__name__  # of either kind
        columns, rules, lists = _read_schema(model.schema)
        self._ignore += tuple(lists)
        self._first = {name: value for name, value in header.items() if self._blended(name)}
        self._values = {name: (RULES[rule], []) for name, rule in rules.items()
                        if rule != "first" and self._blended(name)}
        self._columns = {column: name for name, column in columns.items()}
        self._rows = {column: [] for column in self._columns}

    def _blended(self, name):
        return name.startswith("meta") and not name.startswith(self._ignore)

    def finish(self, model):
        """
        Write merged metadata and the table into the product.

        Parameters
        ----------
        model : data model
            The product; it gets ``hdrtab``.
        """
        merged = dict(self._first)
        for name, (rule, values) in self._values.items():
            merged[name] = rule(values) if values else None
        for name, value in merged.items():
            try:
                model[name] = value
            except KeyError:  # the product's class has no such keyword
                continue
        _attach_table(model, {column: values for column, values in self._rows.items()
                              if any(value is not None for value in values)})


def _read_schema(schema):
    """Table columns and rules by attribute, and the attributes that are lists."""
    columns, rules, lists = {}, {}, []

    def visit(part, name):
        if part.get("properties"):
            for key, below in part["properties"].items():
                visit(below, f"{name}.{key}")
        elif part.get("type") == "array":
            lists.append(name)
        else:
            if "blend_rule" in part:
                rules[name] = part["blend_rule"]
            if part.get("blend_table"):
                columns[name] = part.get("fits_keyword", name)

    for key, below in schema["properties"]["meta"]["properties"].items():
        visit(below, f"meta.{key}")
    return columns, rules, lists


def _attach_table(model, columns):
    arrays = [np.array([np.nan if value is None else value for value in values])
              for values in columns.values()]
    schema = {"title": "Combined header table", "fits_hdu": "HDRTAB", "datatype": [
        {"name": name, "datatype": _yaml_type(array.dtype)}
        for name, array in zip(columns, arrays, strict=True)]}
    arrays = [array.astype(np.int8) if array.dtype.kind == "b" else
              np.char.encode(array, "ascii") if array.dtype.kind == "U" else array
              for array in arrays]
    model.add_schema_entry("hdrtab", schema)
    model.hdrtab = np.rec.fromarrays(arrays, dtype=[(name, array.dtype) for name, array in
                                                    zip(columns, arrays, strict=True)])


def _yaml_type(dtype):
    if dtype.kind == "U":
        return ["ascii", dtype.itemsize // 4]
    return "int8" if dtype.kind == "b" else str(dtype)
