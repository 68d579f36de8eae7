"""The suffixes that are replaced when a product is named: data, kept apart from the rules.

The first two lists are those of the reference release (159 names), the third holds names that
earlier releases wrote and that must still be replaced. Any other ending stays part of the name.
"""

#: Endings of products.
PRODUCTS = frozenset(
    """
    ami ami-oi aminorm aminorm-oi blot bsub bsubints c1d cal calints cat crf crfints dark i2d
    mbsub median phot psfalign psfstack psfsub ramp rate rateints s2d s3d snr uncal wfscmb whtlt
    x1d x1dints
    """.split()  # noqa: SIM905
)

#: Names and lower-case class names of steps and pipelines, written when a step runs alone.
STEPS = frozenset(
    """
    adaptive_trace_model adaptivetracemodelstep align_refs alignrefsstep ami3pipeline
    ami_analyze ami_normalize amianalyzestep aminormalizestep assign_mtwcs assign_wcs
    assignmtwcsstep assignwcsstep backgroundstep badpixselfcalstep barshadowstep bkg_subtract
    chargemigrationstep clean_flicker_noise cleanflickernoisestep combine1dstep combine_1d
    coron3pipeline cube_build cubebuildstep dark_current darkcurrentstep darkpipeline
    detector1pipeline dq_init dqinitstep emicorr emicorrstep engdblog extract1dstep
    extract2dstep extract_1d extract_2d firstframe firstframestep flat_field flatfieldstep
    fringe fringestep gain_scale gainscalestep group_scale groupscalestep guider_cds
    guidercdsstep guiderpipeline hlsp hlspstep image2pipeline image3pipeline imprint imprintstep
    ipc ipcstep jump jumpstep klip klipstep lastframe lastframestep linearity linearitystep
    master_background masterbackgroundmosstep masterbackgroundstep msaflagopenstep
    outlier_detection outlierdetectionstep pathloss pathlossstep persistence persistencestep
    photom photomstep picture_frame pictureframestep pixelreplacestep ramp_fit rampfitstep
    refpix refpixstep resample resample_spec resamplespecstep resamplestep reset resetstep
    residual_fringe residualfringestep rscd rscdstep saturation saturationstep skymatch
    skymatchstep source_catalog sourcecatalogstep sourcetypestep spec2nrslamp spec2pipeline
    spec3pipeline spectral_leak spectralleakstep srctype stackrefs stackrefsstep straylight
    straylightstep superbias superbiasstep targ_centroid targcentroidstep tso3pipeline
    tsophotometrystep tweakreg tweakregstep wavecorrstep wfscombine wfscombinestep
    wfsscontamstep white_light whitelightstep
    """.split()  # noqa: SIM905
)

#: Endings of products that the current releases no longer write.
RETIRED = frozenset({"amiavg", "psf-amiavg"})

KNOWN = PRODUCTS | STEPS | RETIRED
