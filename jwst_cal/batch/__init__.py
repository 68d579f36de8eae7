"""
Many exposures: plan, run, resume, report.

A :class:`~jwst_cal.batch.tasks.Task` is one run of a step or pipeline. The driver
(:mod:`~jwst_cal.batch.driver`) hands tasks to an executor of the ``concurrent.futures`` kind
(:mod:`~jwst_cal.batch.engines`), whose workers run them (:mod:`~jwst_cal.batch.worker`), and keeps
what came of them in one SQLite file (:mod:`~jwst_cal.batch.state`), which nobody else writes. A
task whose inputs, parameters, references and version are those of its last run is not run again.
"""
