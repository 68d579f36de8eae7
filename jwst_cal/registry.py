"""Every step and pipeline by its alias: the only list of them. Importing it imports none of them.

A row gives the alias, the class name, our module (below ``jwst_cal``) and the module in which the
reference release keeps the class. Names of the reference release (``jwst.jump.JumpStep``) are
answered by :func:`resolve`, because parameter files and scripts carry them.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from typing import NamedTuple

from jwst_cal.errors import UnknownStepError

__all__ = ["ROWS", "Row", "by_alias", "by_class", "load", "resolve"]

PACKAGE = "jwst_cal"


class Row(NamedTuple):
    """One step or pipeline."""

    alias: str
    class_name: str
    module: str
    jwst_module: str

    @property
    def path(self) -> str:
        """Dotted path of our class."""
        return f"{PACKAGE}.{self.module}.{self.class_name}"

    @property
    def is_pipeline(self) -> bool:
        """Whether the row is a pipeline."""
        return self.module.startswith("pipelines.")

    @property
    def exists(self) -> bool:
        """Whether this release has the module."""
        try:
            return importlib.util.find_spec(f"{PACKAGE}.{self.module}") is not None
        except ModuleNotFoundError:  # not even its package
            return False


_TABLE = (
    # alias, class, our module, module in the reference release
    # detector
    ("group_scale", "GroupScaleStep", "detector.group_scale", "jwst.group_scale.group_scale_step"),
    ("dq_init", "DQInitStep", "detector.dq_init", "jwst.dq_init.dq_init_step"),
    ("emicorr", "EmiCorrStep", "detector.emicorr", "jwst.emicorr.emicorr_step"),
    ("saturation", "SaturationStep", "detector.saturation", "jwst.saturation.saturation_step"),
    ("ipc", "IPCStep", "detector.ipc", "jwst.ipc.ipc_step"),
    ("superbias", "SuperBiasStep", "detector.superbias", "jwst.superbias.superbias_step"),
    ("refpix", "RefPixStep", "detector.refpix", "jwst.refpix.refpix_step"),
    ("rscd", "RscdStep", "detector.rscd", "jwst.rscd.rscd_step"),
    ("firstframe", "FirstFrameStep", "detector.firstframe", "jwst.firstframe.firstframe_step"),
    ("lastframe", "LastFrameStep", "detector.lastframe", "jwst.lastframe.lastframe_step"),
    ("reset", "ResetStep", "detector.reset", "jwst.reset.reset_step"),
    ("linearity", "LinearityStep", "detector.linearity", "jwst.linearity.linearity_step"),
    ("dark_current", "DarkCurrentStep", "detector.dark_current", "jwst.dark_current.dark_current_step"),
    ("persistence", "PersistenceStep", "detector.persistence", "jwst.persistence.persistence_step"),
    ("charge_migration", "ChargeMigrationStep", "detector.charge_migration", "jwst.charge_migration.charge_migration_step"),
    ("jump", "JumpStep", "detector.jump", "jwst.jump.jump_step"),
    ("picture_frame", "PictureFrameStep", "detector.picture_frame", "jwst.picture_frame.picture_frame_step"),
    ("clean_flicker_noise", "CleanFlickerNoiseStep", "detector.clean_flicker_noise", "jwst.clean_flicker_noise.clean_flicker_noise_step"),
    ("ramp_fit", "RampFitStep", "detector.ramp_fit", "jwst.ramp_fitting.ramp_fit_step"),
    ("gain_scale", "GainScaleStep", "detector.gain_scale", "jwst.gain_scale.gain_scale_step"),
    ("guider_cds", "GuiderCdsStep", "detector.guider_cds", "jwst.guider_cds.guider_cds_step"),
    # astrometry
    ("assign_wcs", "AssignWcsStep", "astrometry.assign_wcs", "jwst.assign_wcs.assign_wcs_step"),
    ("assign_mtwcs", "AssignMTWcsStep", "astrometry.assign_mtwcs", "jwst.assign_mtwcs.assign_mtwcs_step"),
    ("tweakreg", "TweakRegStep", "astrometry.tweakreg", "jwst.tweakreg.tweakreg_step"),
    ("targ_centroid", "TargCentroidStep", "astrometry.targ_centroid", "jwst.targ_centroid.targ_centroid_step"),
    ("wavecorr", "WavecorrStep", "astrometry.wavecorr", "jwst.wavecorr.wavecorr_step"),
    # background
    ("bkg_subtract", "BackgroundStep", "background.bkg_subtract", "jwst.background.background_step"),
    ("imprint", "ImprintStep", "background.imprint", "jwst.imprint.imprint_step"),
    ("badpix_selfcal", "BadpixSelfcalStep", "background.badpix_selfcal", "jwst.badpix_selfcal.badpix_selfcal_step"),
    ("master_background", "MasterBackgroundStep", "background.master_background", "jwst.master_background.master_background_step"),
    ("master_background_mos", "MasterBackgroundMosStep", "background.master_background_mos", "jwst.master_background.master_background_mos_step"),
    ("skymatch", "SkyMatchStep", "background.skymatch", "jwst.skymatch.skymatch_step"),
    # response
    ("flat_field", "FlatFieldStep", "response.flat_field", "jwst.flatfield.flat_field_step"),
    ("straylight", "StraylightStep", "response.straylight", "jwst.straylight.straylight_step"),
    ("fringe", "FringeStep", "response.fringe", "jwst.fringe.fringe_step"),
    ("residual_fringe", "ResidualFringeStep", "response.residual_fringe", "jwst.residual_fringe.residual_fringe_step"),
    ("pathloss", "PathLossStep", "response.pathloss", "jwst.pathloss.pathloss_step"),
    ("barshadow", "BarShadowStep", "response.barshadow", "jwst.barshadow.barshadow_step"),
    ("photom", "PhotomStep", "response.photom", "jwst.photom.photom_step"),
    # spectroscopy
    ("srctype", "SourceTypeStep", "spectroscopy.srctype", "jwst.srctype.srctype_step"),
    ("msa_flagging", "MSAFlagOpenStep", "spectroscopy.msa_flagging", "jwst.msaflagopen.msaflagopen_step"),
    ("extract_2d", "Extract2dStep", "spectroscopy.extract_2d", "jwst.extract_2d.extract_2d_step"),
    ("wfss_contam", "WfssContamStep", "spectroscopy.wfss_contam", "jwst.wfss_contam.wfss_contam_step"),
    ("adaptive_trace_model", "AdaptiveTraceModelStep", "spectroscopy.adaptive_trace_model", "jwst.adaptive_trace_model.adaptive_trace_model_step"),
    ("pixel_replace", "PixelReplaceStep", "spectroscopy.pixel_replace", "jwst.pixel_replace.pixel_replace_step"),
    ("extract_1d", "Extract1dStep", "spectroscopy.extract_1d", "jwst.extract_1d.extract_1d_step"),
    ("combine_1d", "Combine1dStep", "spectroscopy.combine_1d", "jwst.combine_1d.combine_1d_step"),
    ("spectral_leak", "SpectralLeakStep", "spectroscopy.spectral_leak", "jwst.spectral_leak.spectral_leak_step"),
    # coadd
    ("outlier_detection", "OutlierDetectionStep", "coadd.outlier_detection", "jwst.outlier_detection.outlier_detection_step"),
    ("resample", "ResampleStep", "coadd.resample", "jwst.resample.resample_step"),
    ("resample_spec", "ResampleSpecStep", "coadd.resample_spec", "jwst.resample.resample_spec_step"),
    ("cube_build", "CubeBuildStep", "coadd.cube_build", "jwst.cube_build.cube_build_step"),
    ("calwebb_wfs-image3", "WfsCombineStep", "coadd.wfs_combine", "jwst.wfs_combine.wfs_combine_step"),
    # photometry
    ("source_catalog", "SourceCatalogStep", "photometry.source_catalog", "jwst.source_catalog.source_catalog_step"),
    ("tso_photometry", "TSOPhotometryStep", "photometry.tso_photometry", "jwst.tso_photometry.tso_photometry_step"),
    ("white_light", "WhiteLightStep", "photometry.white_light", "jwst.white_light.white_light_step"),
    # high_contrast
    ("stack_refs", "StackRefsStep", "high_contrast.stack_refs", "jwst.coron.stack_refs_step"),
    ("align_refs", "AlignRefsStep", "high_contrast.align_refs", "jwst.coron.align_refs_step"),
    ("klip", "KlipStep", "high_contrast.klip", "jwst.coron.klip_step"),
    ("hlsp", "HlspStep", "high_contrast.hlsp", "jwst.coron.hlsp_step"),
    ("ami_analyze", "AmiAnalyzeStep", "high_contrast.ami_analyze", "jwst.ami.ami_analyze_step"),
    ("ami_normalize", "AmiNormalizeStep", "high_contrast.ami_normalize", "jwst.ami.ami_normalize_step"),
    # pipelines
    ("calwebb_ami3", "Ami3Pipeline", "pipelines.ami3", "jwst.pipeline.calwebb_ami3"),
    ("calwebb_coron3", "Coron3Pipeline", "pipelines.coron3", "jwst.pipeline.calwebb_coron3"),
    ("calwebb_dark", "DarkPipeline", "pipelines.dark", "jwst.pipeline.calwebb_dark"),
    ("calwebb_detector1", "Detector1Pipeline", "pipelines.detector1", "jwst.pipeline.calwebb_detector1"),
    ("calwebb_guider", "GuiderPipeline", "pipelines.guider", "jwst.pipeline.calwebb_guider"),
    ("calwebb_image2", "Image2Pipeline", "pipelines.image2", "jwst.pipeline.calwebb_image2"),
    ("calwebb_image3", "Image3Pipeline", "pipelines.image3", "jwst.pipeline.calwebb_image3"),
    ("calwebb_spec2", "Spec2Pipeline", "pipelines.spec2", "jwst.pipeline.calwebb_spec2"),
    ("calwebb_spec3", "Spec3Pipeline", "pipelines.spec3", "jwst.pipeline.calwebb_spec3"),
    ("calwebb_tso3", "Tso3Pipeline", "pipelines.tso3", "jwst.pipeline.calwebb_tso3"),
)
ROWS = tuple(Row(*row) for row in _TABLE)

by_alias = {row.alias: row for row in ROWS}
by_class = {row.class_name: row for row in ROWS}

#: Modules of the reference release that hold names other than one step.
_MODULES = {
    "jwst": "jwst_cal",
    "jwst.pipeline": "jwst_cal.pipelines",
    "jwst.step": "jwst_cal.registry",
    "jwst.stpipe": "jwst_cal.framework",
    "jwst.stpipe.core": "jwst_cal.framework",
    "jwst.datamodels": "jwst_cal.models",
    "jwst.associations": "jwst_cal.associations",
    "jwst.associations.asn_from_list": "jwst_cal.associations.asn_from_list",
}


def resolve(dotted: str) -> str:
    """
    Translate a dotted name of the reference release to ours.

    Parameters
    ----------
    dotted : str
        For instance ``jwst.jump.JumpStep``, ``jwst.step.JumpStep`` or any other dotted name.

    Returns
    -------
    str
        Our dotted name, or the given one when it is none of the reference release's.
    """
    module, _, name = dotted.rpartition(".")
    row = by_class.get(name)
    if row is not None and (
        module in ("jwst", "jwst.step", "jwst.pipeline", "jwst.stpipe")
        or module == row.jwst_module
        or module == row.jwst_module.rpartition(".")[0]
    ):
        return row.path
    if module in _MODULES:
        return f"{_MODULES[module]}.{name}"
    return dotted


def _near(name: str) -> str:
    close = difflib.get_close_matches(name, [*by_alias, *by_class], n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _plugin(name: str, package: str, alias: str) -> str | None:
    """Find the path of a step that another package registers under ``stpipe.steps``."""
    from importlib import metadata

    found, packages = {}, set()
    for entry in metadata.entry_points(group="stpipe.steps"):
        home = entry.dist.name if entry.dist is not None else entry.name
        packages.add(home)
        if home == "jwst" or package not in ("", home):
            continue
        for path, known, *_ in entry.load()():
            if alias and known == alias:
                found[home] = path
    if len(found) > 1:
        raise UnknownStepError(
            f"'{name}' is registered by several packages; write "
            + " or ".join(f"{home}::{alias}" for home in sorted(found))
        )
    if not found and package and package not in packages:
        raise UnknownStepError(f"'{name}': package '{package}' has no registered steps")
    return next(iter(found.values()), None)


def load(name: str) -> type:
    """
    Import a step or pipeline class.

    Parameters
    ----------
    name : str
        An alias (``jump``, ``jwst_cal::jump``, ``jwst::jump``), a class name (``JumpStep``), our
        dotted path, one of the reference release, any importable dotted path to a class, or an
        alias that another package registers in the entry point group ``stpipe.steps``.

    Returns
    -------
    type
        The class.

    Raises
    ------
    UnknownStepError
        If the name is unknown, is no class, or is a step that this release does not have yet.
    """
    package, _, alias = name.rpartition("::")
    ours = package in ("", "jwst", PACKAGE)
    row = by_alias.get(alias) or by_class.get(alias) if ours else None
    path = row.path if row is not None else resolve(name)
    if row is None and "." not in alias:
        path = _plugin(name, package, alias) or path
    row = row or by_class.get(path.rpartition(".")[2])
    if row is not None and path == row.path and not row.exists:
        raise UnknownStepError(
            f"'{name}' ({row.class_name}) is not part of this release of jwst_cal"
        )
    module, _, class_name = path.rpartition(".")
    if not module:
        raise UnknownStepError(
            f"'{name}' is not a path to a config file or a Python Step class{_near(name)}"
        )
    try:
        found = getattr(importlib.import_module(module), class_name, None)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(error.name + ".")):
            raise
        found = None
    if not isinstance(found, type):
        raise UnknownStepError(
            f"'{name}' is not a path to a config file or a Python Step class"
            f"{_near(name.rpartition('.')[2])}"
        )
    return found


def __getattr__(name: str) -> type:
    if name in by_class:
        return load(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
