"""A Job of a Kubernetes cluster, by the official client; all shards of a request as one Job."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import yaml

from data_contracts.errors import Unreachable, UsageError
from data_contracts.run import RunRecord, State
from jobs._engines._call import PATIENCE, wait_until
from jobs._engines._manifest import GRACE, manifest
from jobs._engines._request import JobRequest

SUPPORTED_OPTIONS = frozenset({
    "image", "gpus", "cpus", "memory", "time_limit", "shards", "claim", "data_claim", "namespace",
})  # fmt: skip
_OURS = "app.kubernetes.io/name=cxr"


class _Cluster(NamedTuple):
    """The API clients in use, and the namespace of the current context."""

    batch: Any
    core: Any
    namespace: str


def check(request: JobRequest) -> None:
    """Raise `UsageError` without client or cluster, or for a path that no pod can read."""
    manifest(request)
    _cluster()


def render(request: JobRequest) -> str:
    """The manifest as YAML, as `kubectl apply --filename -` takes it."""
    text: str = yaml.safe_dump(manifest(request), sort_keys=False, allow_unicode=True)
    return text


def launch(request: JobRequest, on_submitted: Callable[..., None]) -> None:
    """Create the Job; its name follows from the run id."""
    cluster, body = _cluster(), manifest(request)
    namespace = request.options.namespace or cluster.namespace
    on_submitted(*[f"{namespace}/{body['metadata']['name']}"] * len(request.run_ids))
    with _faults():
        cluster.batch.create_namespaced_job(namespace, body, _request_timeout=PATIENCE)


def states(records: Sequence[RunRecord]) -> dict[str, State]:
    """The state of each run's Job; `lost` when there is none."""
    cluster = _cluster()
    by_namespace: dict[str, list[RunRecord]] = defaultdict(list)
    for record in records:
        by_namespace[str(record.engine_id).partition("/")[0]].append(record)
    seen: dict[str, State] = {}
    for namespace, some in by_namespace.items():
        with _faults():
            found = cluster.batch.list_namespaced_job(
                namespace, label_selector=_OURS, _request_timeout=PATIENCE
            )
        jobs = {f"{namespace}/{job.metadata.name}": job for job in found.items}
        for record in some:
            job = jobs.get(str(record.engine_id))
            seen[record.run_id] = "lost" if job is None else _state(job, record.run_id)
    return seen


def stop(record: RunRecord, grace: float) -> None:
    """Delete the Job, and by it every shard: SIGTERM, and SIGKILL after `grace` seconds."""
    cluster = _cluster()
    namespace, _, name = str(record.engine_id).partition("/")

    def gone() -> bool:
        return states([record])[record.run_id] == "lost"

    # The cluster grants no more than the pod's own grace period.
    with _faults(missing_is_fine=True):
        cluster.batch.delete_namespaced_job(
            name, namespace, propagation_policy="Foreground", _request_timeout=PATIENCE
        )
    if wait_until(gone, min(grace, GRACE)):
        return
    with _faults(missing_is_fine=True):
        cluster.core.delete_collection_namespaced_pod(
            namespace, label_selector=f"batch.kubernetes.io/job-name={name}",
            grace_period_seconds=0, _request_timeout=PATIENCE,
        )  # fmt: skip
    if not wait_until(gone, 30.0):
        raise Unreachable(f"Job {namespace}/{name} does not stop; see `kubectl describe`")


def _state(job: Any, run_id: str) -> State:
    status = job.status
    if job.spec.completion_mode == "Indexed":
        index = int(run_id.rpartition("-")[2])
        if _holds(status.completed_indexes, index):
            return "succeeded"
        if _holds(status.failed_indexes, index):
            return "failed"
    ended = {c.type for c in status.conditions or [] if c.status == "True"}
    if "Complete" in ended:
        return "succeeded"
    if "Failed" in ended:
        return "failed"
    return "running" if status.ready or status.terminating else "submitted"


def _holds(ranges: str | None, index: int) -> bool:
    """Whether `0,2-4` holds the index."""
    edges = [part.partition("-") for part in (ranges or "").split(",") if part]
    return any(int(low) <= index <= int(high or low) for low, _, high in edges)


def _cluster() -> _Cluster:
    """The cluster of the current context."""
    try:
        from kubernetes import client, config
    except ImportError:
        raise UsageError(
            "the Kubernetes client is not installed; pip install 'cxr[cluster]', "
            "or use --dry-run with `kubectl apply`"
        ) from None
    settings = client.Configuration()
    namespace = _own_namespace()
    try:
        if namespace is not None:
            config.load_incluster_config(client_configuration=settings)
        else:
            config.load_kube_config(client_configuration=settings)
            _, active = config.list_kube_config_contexts()
            namespace = active["context"].get("namespace", "default")
    except config.ConfigException:
        raise UsageError(
            "no Kubernetes cluster is configured here; choose one by `kubectl config use-context`"
        ) from None
    # A request that fails is reported at once, not retried for minutes.
    settings.retries = 0
    api = client.ApiClient(settings)
    return _Cluster(client.BatchV1Api(api), client.CoreV1Api(api), str(namespace))


def _own_namespace() -> str | None:
    """The namespace of the pod that runs this process, if any."""
    try:
        with open("/var/run/secrets/kubernetes.io/serviceaccount/namespace") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        return None


@contextmanager
def _faults(*, missing_is_fine: bool = False) -> Iterator[None]:
    """Turn the client's exceptions into one-line errors."""
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        if error.status == 404 and missing_is_fine:
            return
        if error.status >= 500 or error.status == 429:
            raise Unreachable(
                f"the cluster does not answer ({error.status} {error.reason}); "
                "run the same command once it does"
            ) from None
        raise UsageError(f"the cluster refused the request: {_reason(error)}") from None
    except HTTPError as error:
        raise Unreachable(
            f"the cluster does not answer ({type(error).__name__}); "
            "run the same command once it does"
        ) from None


def _reason(error: Any) -> str:
    try:
        text = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        text = f"{error.status} {error.reason}"
    return " ".join(str(text).split())[:300]
