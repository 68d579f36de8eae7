"""Write ``jwst_cal/pointing/siaf.json`` from pysiaf: python make_siaf.py OUT.

The package keeps what it needs of the Science Instrument Aperture File; a test compares it with
pysiaf where that is installed.
"""

import json
import sys

INSTRUMENTS = ("NIRCam", "NIRISS", "MIRI", "FGS", "NIRSpec")
#: Numbers kept of each aperture, in the order of the file.
FIELDS = ("V2Ref", "V3Ref", "V3IdlYAngle", "VIdlParity", "XSciRef", "YSciRef", "XSciScale",
          "YSciScale", "XDetRef", "YDetRef", "XSciSize", "YSciSize",
          *(f"{axis}IdlVert{k}" for axis in "XY" for k in (1, 2, 3, 4)))
#: Apertures whose distortion is kept.
WHOLE = (*(f"NRC{module}{k}_FULL" for module in "AB" for k in (1, 2, 3, 4, 5)), "NIS_CEN",
         "MIRIM_FULL", "FGS1_FULL", "FGS2_FULL")
POLYNOMIALS = ("Sci2IdlX", "Sci2IdlY", "Idl2SciX", "Idl2SciY")


def collect():
    """Return the content of the file."""
    import pysiaf

    apertures, distortions = {}, {}
    for instrument in INSTRUMENTS:
        for name, aperture in pysiaf.Siaf(instrument).apertures.items():
            values = [getattr(aperture, field) for field in FIELDS]
            if values[0] is None or values[2] is None:
                continue
            apertures[name] = [None if v is None else round(float(v), 9) for v in values]
            if name in WHOLE:
                found = aperture.get_polynomial_coefficients()
                distortions[name] = {"degree": aperture.Sci2IdlDeg} | {
                    key: [float(v) for v in found[key]] for key in POLYNOMIALS}
    return {"prd": pysiaf.JWST_PRD_VERSION, "fields": FIELDS, "apertures": apertures,
            "distortions": distortions}


def main(out):
    """Write the file: one line for each aperture and polynomial."""
    content = collect()
    lines = [f'"prd": {json.dumps(content["prd"])}', f'"fields": {json.dumps(content["fields"])}']
    for part in ("apertures", "distortions"):
        rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}"
                          for k, v in content[part].items())
        lines.append(f'"{part}": {{\n{rows}}}')
    with open(out, "w") as file:
        file.write("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main(sys.argv[1])
