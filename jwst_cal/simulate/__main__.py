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
    check = commands.add_parser("check", help="compare a product with the truth")
    check.add_argument("product", metavar="PRODUCT", help="_rate.fits, or _ramp.fits for the jumps")
    check.add_argument("truth", metavar="TRUTH", help="_truth.npz")
    check.set_defaults(run=_check)
    two = commands.add_parser("cache", help="write the embedded CRDS cache and say where it is")
    two.add_argument("dir", metavar="DIR", nargs="?",
                     help="new or empty folder; by default in the user's cache")
    two.add_argument("--all", action="store_true",
                     help="also all reference files, for software other than jwst_cal: 10 GB, "
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
