"""The engine that runs tasks with Dask: a cluster that runs already, or one on this machine."""

from __future__ import annotations

from jwst_cal.batch.engines import Engine
from jwst_cal.batch.resources import Share
from jwst_cal.errors import ParameterError

__all__ = ["engine"]


def engine(share: Share, site: str | None, scratch: str) -> Engine:
    """
    Connect to Dask.

    Parameters
    ----------
    share : Share
        Jobs at a time of a cluster on this machine.
    site : str or None
        Address of a scheduler (``tcp://node:8786``), or scheduler file; a cluster on this machine
        without one.
    scratch : str
        Folder for Dask's own files.

    Returns
    -------
    Engine
        Its workers live until the end; those of a cluster that ran before go on living.

    Raises
    ------
    ParameterError
        If Dask is not installed, the scheduler does not answer, has no workers, or workers with
        several threads, which tasks would share.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ParameterError(f"engine dask: {error}; pip install jwst-cal[dask]") from None
    dask.config.set({"distributed.scheduler.allowed-failures": 0,
                     "distributed.worker.multiprocessing-method": "spawn",
                     "temporary-directory": scratch})
    cluster = None
    if site is None:
        cluster = LocalCluster(n_workers=share.jobs, threads_per_worker=1, processes=True,
                               dashboard_address=None, memory_limit=0)
        client = Client(cluster)
    else:
        try:
            client = (Client(scheduler_file=site, timeout="30s") if site.endswith(".json")
                      else Client(site, timeout="30s"))
        except (OSError, ValueError) as error:
            raise ParameterError(f"Dask scheduler {site}: {error or 'does not answer'}") from None
    slots = _slots(client, site)

    def end() -> None:
        client.close()
        if cluster is not None:
            cluster.close()

    executor = client.get_executor(pure=False, retries=0)
    return Engine("dask", executor, slots, is_local=site is None, stop=end, close=end,
                  is_gone=lambda: client.status != "running")


def _slots(client: object, site: str | None) -> int:
    workers = client.nthreads()  # type: ignore[attr-defined]
    problem = None
    if not workers:
        problem = "has no workers"
    elif any(threads != 1 for threads in workers.values()):
        problem = "has workers with several threads; start them with --nthreads 1"
    if problem:
        client.close()  # type: ignore[attr-defined]
        raise ParameterError(f"Dask scheduler {site or 'of this machine'}: {problem}")
    return len(workers)
