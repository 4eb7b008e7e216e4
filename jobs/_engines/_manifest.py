"""A Kubernetes Job (batch/v1) for a request, as plain data."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import Any

from data_contracts.errors import ArtifactError, Interrupted, SourceError, UsageError
from jobs._engines._request import CONTAINER_WORKSPACE, JobRequest, arguments

#: Where the claim with the sources is mounted.
DATA = "/data"
#: The secret whose keys are the environment by which an object store is reached.
_STORE_SECRET = "cxr-store"  # noqa: S105
#: The user of the image, for a launcher who is root.
_NOBODY = 10001
#: Seconds that a pod gets to save what it needs to resume.
GRACE = 60
#: Retries after a crash, such as one out of memory; stops and evictions do not count.
_RETRIES = 3
_KEPT_SECONDS = 7 * 24 * 3600
_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


def manifest(request: JobRequest) -> dict[str, Any]:
    """The Job: non-root, read-only root, no retry of what a retry cannot fix.

    Raises `UsageError` for a path that no volume of the pod holds.
    """
    _require_visible_paths(request)
    labels = {
        "app.kubernetes.io/name": "cxr", "app.kubernetes.io/component": request.job,
        "cxr/run": request.name,
    }  # fmt: skip
    metadata: dict[str, Any] = {"name": job_name(request.name), "labels": labels}
    if request.options.namespace:
        metadata["namespace"] = request.options.namespace
    pod = {"metadata": {"labels": dict(labels)}, "spec": _pod(request)}
    spec = {
        **_retries(request),
        "ttlSecondsAfterFinished": _KEPT_SECONDS,
        **(
            {"activeDeadlineSeconds": _seconds(limit)}
            if (limit := request.options.time_limit)
            else {}
        ),
        "template": pod,
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def job_name(run: str) -> str:
    """The name of the Job of a run: lower case, at most 63 letters."""
    return f"cxr-{run.lower().replace('_', '-').replace('.', '-')}"[:63].rstrip("-")


def _retries(request: JobRequest) -> dict[str, Any]:
    shards = len(request.run_ids)
    hopeless = [e.exit_code for e in (UsageError, ArtifactError, SourceError)]

    def on(action: str, codes: list[int]) -> dict[str, Any]:
        wanted = {"containerName": "job", "operator": "In", "values": codes}
        return {"action": action, "onExitCodes": wanted}

    policy = {
        "rules": [
            # The node was drained, or preempted: no failure of the job.
            {
                "action": "Ignore",
                # Older clusters want the status named.
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
            on("Ignore", [Interrupted.exit_code]),
            on("FailIndex" if shards > 1 else "FailJob", hopeless),
        ]
    }
    if shards == 1:
        return {"backoffLimit": _RETRIES, "podFailurePolicy": policy}
    return {
        "completionMode": "Indexed", "completions": shards, "parallelism": shards,
        "backoffLimitPerIndex": _RETRIES, "podFailurePolicy": policy,
    }  # fmt: skip


def _pod(request: JobRequest) -> dict[str, Any]:
    user = os.getuid() or _NOBODY
    group = os.getgid() or _NOBODY
    volumes = [_claim("workspace", request.options.claim), {"name": "tmp", "emptyDir": {}}]
    if request.options.data_claim:
        volumes.append(_claim("data", request.options.data_claim, readOnly=True))
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": user, "runAsGroup": group, "fsGroup": group,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(request)],
        "volumes": volumes,
    }  # fmt: skip


def _container(request: JobRequest) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [
        {"name": "workspace", "mountPath": CONTAINER_WORKSPACE},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
    ]
    if request.options.data_claim:
        mounts.append({"name": "data", "mountPath": DATA, "readOnly": True})
    return {
        "name": "job",
        "image": request.image,
        "imagePullPolicy": "IfNotPresent",
        # Kubernetes fills in $(NAME) by itself; a path must keep its letters.
        "args": [arg.replace("$(", "$$(") for arg in arguments(request, CONTAINER_WORKSPACE)],
        "env": _environment(request),
        # Optional: the pod's service account may carry the permission instead.
        **(
            {"envFrom": [{"secretRef": {"name": _STORE_SECRET, "optional": True}}]}
            if request.needs_network
            else {}
        ),
        "resources": _resources(request),
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }  # fmt: skip


def _environment(request: JobRequest) -> list[dict[str, Any]]:
    if len(request.run_ids) == 1:
        return [{"name": "CXR_RUN_ID", "value": request.name}]
    return [
        {"name": "CXR_SHARD_INDEX", "valueFrom": {"fieldRef": {"fieldPath": _INDEX}}},
        {"name": "CXR_RUN_ID", "value": f"{request.name}-$(CXR_SHARD_INDEX)"},
    ]


def _resources(request: JobRequest) -> dict[str, Any]:
    options = request.options
    limits: dict[str, Any] = {}
    if options.gpus:
        limits["nvidia.com/gpu"] = options.gpus
    if options.memory:
        limits["memory"] = f"{options.memory}i"
    # Cores are requested and not limited: a limit throttles the threads instead of sharing.
    requests = limits | ({"cpu": str(options.cpus)} if options.cpus else {})
    return {kind: values for kind, values in (("requests", requests), ("limits", limits)) if values}


def _claim(name: str, claim: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, **more}}


def _require_visible_paths(request: JobRequest) -> None:
    roots = [CONTAINER_WORKSPACE, DATA] if request.options.data_claim else [CONTAINER_WORKSPACE]
    for name, path in request.paths.items():
        held = any(PurePosixPath(path).is_relative_to(root) for root in roots)
        if not held and not path.is_relative_to(request.workspace):
            where = "in the workspace" if len(roots) == 1 else f"in the workspace or under {DATA}"
            hint = "; --data-claim mounts a claim at /data" if len(roots) == 1 else ""
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} {path}: a pod can only read files {where}{hint}")


def _seconds(limit: str) -> int:
    hours, minutes, seconds = map(int, limit.split(":"))
    return 3600 * hours + 60 * minutes + seconds
