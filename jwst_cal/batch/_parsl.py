"""The engine that runs tasks with Parsl: on this machine, or in pilot jobs of a batch system."""

from __future__ import annotations

import inspect
import os
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from jwst_cal.batch.engines import Engine
from jwst_cal.batch.resources import Share
from jwst_cal.errors import ParameterError

__all__ = ["engine", "site_config"]

_PROVIDERS = {"local": "LocalProvider", "slurm": "SlurmProvider", "pbs": "PBSProProvider",
              "torque": "TorqueProvider", "lsf": "LSFProvider", "grid-engine": "GridEngineProvider",
              "condor": "CondorProvider"}
#: Entries of a site file that are not the provider's.
_OURS = frozenset({"provider", "workers_per_node", "memory_per_worker", "address", "launcher"})


def engine(share: Share, site: str | None, scratch: str) -> Engine:
    """
    Start Parsl.

    Parameters
    ----------
    share : Share
        Jobs at a time and threads of each, on this machine or where the site file does not say.
    site : str or None
        Site file: TOML, or Python that defines ``config``, a ``parsl.Config``; this machine alone
        without one.
    scratch : str
        Folder for Parsl's own files.

    Returns
    -------
    Engine
        Its workers live until the end.

    Raises
    ------
    ParameterError
        If Parsl is not installed or the site file cannot be used.
    """
    try:
        from parsl.concurrent import ParslPoolExecutor
    except ImportError as error:
        raise ParameterError(f"engine parsl: {error}; pip install jwst-cal[parsl]") from None
    config, slots = (_python(site, scratch) if site is not None and site.endswith(".py") else
                     site_config(_toml(site), share, scratch))
    executor = ParslPoolExecutor(config=config)
    return Engine("parsl", executor, slots, is_local=site is None,
                  stop=lambda: executor.shutdown(wait=False),
                  is_gone=lambda: any(getattr(each, "bad_state_is_set", False)
                                      for each in config.executors))


def _toml(site: str | None) -> dict[str, Any]:
    import tomllib

    if site is None:
        return {}
    try:
        with open(site, "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as error:
        raise ParameterError(f"site file {site}: {error}") from None


def _python(site: str, scratch: str) -> tuple[Any, int]:
    import runpy

    import parsl

    try:
        config = runpy.run_path(site).get("config")
    except Exception as error:
        raise ParameterError(f"site file {site}: {type(error).__name__}: {error}") from error
    if not isinstance(config, parsl.Config):
        raise ParameterError(f"site file {site}: defines no 'config', a parsl.Config")
    slots = sum(_slots(executor) for executor in config.executors)
    return config, slots


def _slots(executor: Any) -> int:
    """Tasks that an executor of Parsl runs at a time, at most."""
    provider = getattr(executor, "provider", None)
    workers = getattr(executor, "max_workers_per_node", None)
    if workers in (None, float("inf")):
        workers = getattr(provider, "cores_per_node", None) or 1
    return max(1, int(workers * getattr(provider, "max_blocks", 1)
                      * getattr(provider, "nodes_per_block", 1)))


def site_config(given: Mapping[str, Any], share: Share, scratch: str) -> tuple[Any, int]:
    """
    Make a configuration of Parsl.

    Parameters
    ----------
    given : mapping
        ``provider`` and its options by the names that Parsl has for them; ``workers_per_node``,
        ``memory_per_worker`` (GB), ``address`` of this machine as the nodes see it, ``launcher``.
    share, scratch
        As for :func:`engine`.

    Returns
    -------
    config : parsl.Config
        The configuration.
    slots : int
        Tasks at a time.

    Raises
    ------
    ParameterError
        If an entry is unknown.
    """
    import parsl
    from parsl import launchers, providers
    from parsl.executors import HighThroughputExecutor
    from parsl.jobs.error_handlers import windowed_error_handler

    name = str(given.get("provider", "local"))
    if name not in _PROVIDERS:
        raise ParameterError(f"provider '{name}' where {', '.join(_PROVIDERS)} is needed")
    cls = getattr(providers, _PROVIDERS[name])
    options = {key: value for key, value in given.items() if key not in _OURS}
    unknown = set(options) - set(inspect.signature(cls.__init__).parameters)
    if unknown:
        raise ParameterError(f"{_PROVIDERS[name]} of Parsl has no option '{min(unknown)}'")
    if "launcher" in given:
        options["launcher"] = getattr(launchers, given["launcher"])()
    threads = share.threads
    options["worker_init"] = "\n".join(filter(None, (
        f"export PATH={shlex.quote(os.path.dirname(sys.executable))}:$PATH",
        options.get("worker_init", ""),
        *(f"export {variable}={threads}" for variable in ("OMP_NUM_THREADS",
                                                          "OPENBLAS_NUM_THREADS")),
        *(f"export {key}={shlex.quote(value)}" for key, value in os.environ.items()
          if key.startswith(("CRDS_", "JWST_CAL_", "STPIPE_"))))))
    options = {"init_blocks": 1, "min_blocks": 1, "max_blocks": 1, **options}
    if name == "local":
        workers = int(given.get("workers_per_node", share.jobs))
    else:
        cores = options.get("cores_per_node")
        workers = int(given.get("workers_per_node", max(1, (cores or threads) // threads)))
    executor = HighThroughputExecutor(
        block_error_handler=windowed_error_handler,
        label="jwst_cal", provider=cls(**options), max_workers_per_node=workers,
        cores_per_worker=1e-3 if name == "local" else threads,
        mem_per_worker=given.get("memory_per_worker"),
        address=given.get("address", "127.0.0.1" if name == "local" else None),
        heartbeat_period=5, heartbeat_threshold=30, poll_period=10, encrypted=False,
        # it has a session of its own, and would outlive a run that is killed; so would its workers
        interchange_launch_cmd=[sys.executable, "-m", "jwst_cal.batch._with_parent",
                                "parsl.executors.high_throughput.interchange"],
        worker_logdir_root=scratch)
    config = parsl.Config(
        executors=[executor], run_dir=scratch, initialize_logging=False, retries=0,
        # a pilot job that dies is replaced, unless the last ones all did
        strategy="simple", max_idletime=3600.0)
    return config, workers * options["max_blocks"] * options.get("nodes_per_block", 1)
