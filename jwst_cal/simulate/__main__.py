"""``python -m jwst_cal.simulate``: write synthetic exposures, and the embedded CRDS cache."""

import argparse
import sys

from jwst_cal.errors import JwstCalError


def _exposure(args):
    from jwst_cal.simulate import exposures

    exposure = exposures.simulate(
        args.instrument, args.subarray, detector=args.detector, exp_type=args.exp_type,
        readpatt=args.readpatt, n_ints=args.ints, n_groups=args.groups, segment=args.segment,
        seed=args.seed,
    )
    print(exposure.write(args.out))


def _dithers(args):
    from jwst_cal.simulate import dithers

    found = dithers.dithers(
        args.folder, args.instrument, subarray=args.subarray, detectors=args.detectors,
        filter_name=args.filter, n_dithers=args.dithers, n_ints=args.ints, n_groups=args.groups,
        readpatt=args.readpatt, stars=args.stars, sky_level=args.sky, sky_step=args.sky_step,
        pointing_error=args.pointing_error, roll_error=args.roll_error,
        cosmic_ray_rate=args.cosmic_rays, field=tuple(args.field), seed=args.seed,
    )
    for path in (*found.exposures, *found[1:]):
        print(path)


def _series(args):
    from jwst_cal.simulate import series

    found = series.time_series(args.folder, n_ints=args.ints, n_groups=args.groups,
                               n_segments=args.segments, seed=args.seed)
    for path in (*found.exposures, *found[1:]):
        print(path)


def _check(args):
    from jwst_cal import models
    from jwst_cal.simulate import checks, exposures

    truth = exposures.Truth.load(args.truth)
    with models.open(args.product) as product:
        if hasattr(product, "groupdq"):
            result = checks.check_jumps(product.groupdq, truth)
        else:
            result = checks.check_rate(product.data, product.err, product.dq, truth)
    for name, value in result._asdict().items():
        print(f"{name:16} {value:.6g}")


def _cache(args):
    from jwst_cal.simulate import cache

    root = (cache.materialise_all(args.dir, args.detector) if args.all else
            cache.ensure(args.dir))
    if args.prune:
        for stale in cache.prune():
            print(f"removed {stale}")
    print(f"CRDS_PATH={root} CRDS_CONTEXT={cache.CONTEXT}")


def _kinds():
    """The kinds of exposures, one a line."""
    from jwst_cal.simulate.instruments import INSTRUMENTS

    rows = [("instrument", "subarray", "exposure type", "by default", "detectors")]
    for name, instrument in INSTRUMENTS.items():
        for mode in instrument.modes:
            rows.append((name, mode.subarray, mode.exp_type,
                         f"{mode.readpatt} {mode.n_ints} x {mode.n_groups}",
                         " ".join(d.name for d in instrument.takers(mode))))
        rows.append(("", "readout patterns:", " ".join(instrument.patterns), "", ""))
    widths = [max(len(row[k]) for row in rows if row[0]) for k in range(4)]
    return "kinds of exposures:\n" + "\n".join(
        "  " + "  ".join(cell.ljust(w) for cell, w in zip(row, [*widths, 0], strict=True)).rstrip()
        for row in rows)


def _segment(text):
    number, _, parts = text.partition("/")
    if not (number.isdigit() and parts.isdigit()):
        raise argparse.ArgumentTypeError(f"'{text}' where K/N is needed, for instance 2/3")
    return int(number), int(parts)


def _add_dithers(commands):
    many = commands.add_parser(
        "dithers", help="write dithered images of a field, associations, and the truth")
    many.add_argument("folder", metavar="FOLDER", help="where they go")
    many.add_argument("--instrument", default="nircam", help="nircam (default), miri, niriss, fgs")
    many.add_argument("--subarray", help="FULL or a smaller one (default)")
    many.add_argument("--detectors", nargs="+", metavar="NAME",
                      help="detectors that take each exposure, for instance NRCA1 NRCA2 NRCALONG")
    many.add_argument("--filter", help="filter, for instance F115W")
    many.add_argument("--dithers", type=int, default=4, metavar="N",
                      help="exposures of each detector (default 4)")
    many.add_argument("--ints", type=int, help="integrations")
    many.add_argument("--groups", type=int, help="groups")
    many.add_argument("--readpatt", help="readout pattern")
    many.add_argument("--stars", type=int, help="mean number of stars in an exposure")
    many.add_argument("--sky", type=float, metavar="MJY/SR", help="surface brightness of the sky")
    many.add_argument("--sky-step", type=float, default=0.1, metavar="PART",
                      help="part by which it differs between exposures (default 0.1)")
    many.add_argument("--pointing-error", type=float, default=0.02, metavar="ARCSEC",
                      help="what the headers do not tell of the pointing (default 0.02)")
    many.add_argument("--roll-error", type=float, default=0.002, metavar="DEGREES",
                      help="the same of the roll (default 0.002)")
    many.add_argument("--cosmic-rays", type=float, metavar="RATE", help="particles per cm^2 and s")
    many.add_argument("--field", type=float, nargs=3, default=[202.5, 10.25, 33.3],
                      metavar=("RA", "DEC", "PA"), help="where, and position angle of V3, degrees")
    many.add_argument("--seed", type=int, default=1, help="seed of everything random (default 1)")
    many.set_defaults(run=_dithers)


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m jwst_cal.simulate", description=__doc__, epilog=_kinds(),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser(
        "exposure", help="write an exposure (_uncal.fits) and its truth (_truth.npz)"
    )
    one.add_argument("out", metavar="OUT", nargs="?", default=".",
                     help="folder (by default the current one), or file name ending in .fits")
    one.add_argument("--instrument", default="nircam",
                     help="nircam (default), miri, niriss, nirspec, fgs")
    one.add_argument("--subarray", default="FULL",
                     help="by default FULL; python -m jwst_cal.simulate --help lists all")
    one.add_argument("--detector", help="by default the first that has the subarray")
    one.add_argument("--exp-type", help="exposure type, where a subarray serves several")
    one.add_argument("--readpatt", help="readout pattern")
    one.add_argument("--ints", type=int, help="integrations")
    one.add_argument("--groups", type=int, help="groups")
    one.add_argument("--segment", type=_segment, metavar="K/N",
                     help="only file K of the N over which the integrations are spread")
    one.add_argument("--seed", type=int, default=1, help="seed of scene and noise (default 1)")
    one.set_defaults(run=_exposure)
    _add_dithers(commands)
    series = commands.add_parser(
        "series", help="write a time series of images (NIRCam), associations, and the truth")
    series.add_argument("folder", metavar="FOLDER", help="where they go")
    series.add_argument("--ints", type=int, help="integrations")
    series.add_argument("--groups", type=int, help="groups")
    series.add_argument("--segments", type=int, default=2, metavar="N", help="files (default 2)")
    series.add_argument("--seed", type=int, default=1, help="seed of the noise (default 1)")
    series.set_defaults(run=_series)
    check = commands.add_parser("check", help="compare a product with the truth")
    check.add_argument("product", metavar="PRODUCT", help="_rate.fits, or _ramp.fits for the jumps")
    check.add_argument("truth", metavar="TRUTH", help="_truth.npz")
    check.set_defaults(run=_check)
    two = commands.add_parser("cache", help="write the embedded CRDS cache and say where it is")
    two.add_argument("dir", metavar="DIR", nargs="?",
                     help="new or empty folder; by default in the user's cache")
    two.add_argument("--all", action="store_true",
                     help="also all reference files, for software other than jwst_cal: 11 GB, "
                          "unless --detector is given")
    two.add_argument("--detector", nargs="+", help="with --all: of these detectors only")
    two.add_argument("--prune", action="store_true",
                     help="also remove the caches of other versions from the user's cache")
    two.set_defaults(run=_cache)
    return parser


def main(argv=None):
    """
    Run the command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; by default those of the process.

    Returns
    -------
    int
        0, or 1 after an error, which is printed in one line.
    """
    args = _parser().parse_args(argv)
    try:
        args.run(args)
    except JwstCalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
