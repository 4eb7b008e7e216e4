"""A Kubernetes Job (batch/v1) for an order, as plain data."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import Any

from data_contracts.errors import ArtifactError, Interrupted, SourceError, UsageError
from jobs._engines._order import INSIDE, Order, arguments

#: Where the claim with the sources is mounted.
DATA = "/data"
#: The secret whose keys are the environment by which an object store is reached.
_STORE_SECRET = "cxr-store"  # noqa: S105
#: The user of the image, for a launcher who is root.
_NOBODY = 10001
#: Seconds that a pod gets to save what going on needs.
GRACE = 60
#: Retries of a crash, such as one for want of memory; stops and evictions do not count.
_RETRIES = 3
_KEPT_SECONDS = 7 * 24 * 3600
_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


def manifest(order: Order) -> dict[str, Any]:
    """The Job: non-root, read-only root, no retry for what a retry cannot mend.

    Raises `UsageError` for a path that no volume of the pod holds.
    """
    _refuse_foreign_paths(order)
    labels = {
        "app.kubernetes.io/name": "cxr", "app.kubernetes.io/component": order.job,
        "cxr/run": order.name,
    }  # fmt: skip
    metadata: dict[str, Any] = {"name": job_name(order.name), "labels": labels}
    if order.options.namespace:
        metadata["namespace"] = order.options.namespace
    pod = {"metadata": {"labels": dict(labels)}, "spec": _pod(order)}
    spec = {
        **_retries(order),
        "ttlSecondsAfterFinished": _KEPT_SECONDS,
        **(
            {"activeDeadlineSeconds": _seconds(limit)}
            if (limit := order.options.time_limit)
            else {}
        ),
        "template": pod,
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def job_name(run: str) -> str:
    """The name of the Job of a run: lower case, at most 63 letters."""
    return f"cxr-{run.lower().replace('_', '-').replace('.', '-')}"[:63].rstrip("-")


def _retries(order: Order) -> dict[str, Any]:
    shards = len(order.run_ids)
    hopeless = [e.exit_code for e in (UsageError, ArtifactError, SourceError)]

    def on(action: str, codes: list[int]) -> dict[str, Any]:
        wanted = {"containerName": "job", "operator": "In", "values": codes}
        return {"action": action, "onExitCodes": wanted}

    policy = {
        "rules": [
            # The node was drained, or needed for something else: no fault of the job.
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


def _pod(order: Order) -> dict[str, Any]:
    user = os.getuid() or _NOBODY
    group = os.getgid() or _NOBODY
    volumes = [_claim("workspace", order.options.claim), {"name": "tmp", "emptyDir": {}}]
    if order.options.data_claim:
        volumes.append(_claim("data", order.options.data_claim, readOnly=True))
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
        "containers": [_container(order)],
        "volumes": volumes,
    }  # fmt: skip


def _container(order: Order) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [
        {"name": "workspace", "mountPath": INSIDE}, {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
    ]  # fmt: skip
    if order.options.data_claim:
        mounts.append({"name": "data", "mountPath": DATA, "readOnly": True})
    return {
        "name": "job",
        "image": order.image,
        "imagePullPolicy": "IfNotPresent",
        # Kubernetes fills in $(NAME) by itself; a path must keep its letters.
        "args": [word.replace("$(", "$$(") for word in arguments(order, INSIDE)],
        "env": _environment(order),
        # Optional: the pod's service account may carry the permission instead.
        **(
            {"envFrom": [{"secretRef": {"name": _STORE_SECRET, "optional": True}}]}
            if order.needs_network
            else {}
        ),
        "resources": _resources(order),
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }  # fmt: skip


def _environment(order: Order) -> list[dict[str, Any]]:
    if len(order.run_ids) == 1:
        return [{"name": "CXR_RUN_ID", "value": order.name}]
    return [
        {"name": "CXR_SHARD_INDEX", "valueFrom": {"fieldRef": {"fieldPath": _INDEX}}},
        {"name": "CXR_RUN_ID", "value": f"{order.name}-$(CXR_SHARD_INDEX)"},
    ]


def _resources(order: Order) -> dict[str, Any]:
    options = order.options
    limits: dict[str, Any] = {}
    if options.gpus:
        limits["nvidia.com/gpu"] = options.gpus
    if options.memory:
        limits["memory"] = f"{options.memory}i"
    # Cores are asked for and not capped: a cap slows the threads down instead of sharing.
    requests = limits | ({"cpu": str(options.cpus)} if options.cpus else {})
    return {kind: values for kind, values in (("requests", requests), ("limits", limits)) if values}


def _claim(name: str, claim: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, **more}}


def _refuse_foreign_paths(order: Order) -> None:
    roots = [INSIDE, DATA] if order.options.data_claim else [INSIDE]
    for name, path in order.paths.items():
        held = any(PurePosixPath(path).is_relative_to(root) for root in roots)
        if not held and not path.is_relative_to(order.workspace):
            where = "in the workspace" if len(roots) == 1 else f"in the workspace or under {DATA}"
            hint = "; --data-claim mounts a claim at /data" if len(roots) == 1 else ""
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} {path}: a pod sees only what lies {where}{hint}")


def _seconds(limit: str) -> int:
    hours, minutes, seconds = map(int, limit.split(":"))
    return 3600 * hours + 60 * minutes + seconds
