"""Steps and pipelines: parameters, references, running, saving.

Everything that a step module needs is here; importing it loads neither numpy nor astropy.
"""

from jwst_cal.errors import SkipStep
from jwst_cal.framework.group_step import GroupStep
from jwst_cal.framework.parameters import Parameter, param
from jwst_cal.framework.pipeline import Chain, Pipeline
from jwst_cal.framework.references import Reference
from jwst_cal.framework.step import Step

__all__ = ["Chain", "GroupStep", "Parameter", "Pipeline", "Reference", "SkipStep", "Step", "param"]
