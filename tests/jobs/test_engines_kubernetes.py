"""The engine `kubernetes`: its manifests, and its talk with a stand-in for the API server."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from data_contracts import run as runs
from data_contracts.run import RunRecord, read_record, read_runs, run_folder
from jobs import _engines
from jobs._cli import run
from jobs._engines import kubernetes

TRAIN = ["train-task", "--task", "gender"]
SHARDED = ["preprocess", "--root", "/data/mimic $(x)", "--shards", "16", "--data-claim", "mimic"]
WISHES = ["--gpus", "1", "--cpus", "4", "--memory", "16G", "--time-limit", "8:00:30",
          "--namespace", "lab", "--image", "r.example/cxr:1", "--claim", "study"]  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "Räume 'x'"


def render(workspace: Path, capfd: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    flags = ["--engine", "kubernetes", "--dry-run", "--workspace", str(workspace)]
    code = run(["submit", *words, *flags])
    shown = capfd.readouterr()
    assert code == 0, shown.err
    assert shown.err == ""
    manifest: dict[str, Any] = yaml.safe_load(shown.out)
    return manifest


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return pod


@pytest.mark.parametrize("version", ["1.31", "1.34", "1.37"])
@pytest.mark.parametrize("words", [TRAIN, [*TRAIN, *WISHES], SHARDED, [*SHARDED, *WISHES]])
def test_the_manifest_is_valid(
    workspace: Path, capfd: pytest.CaptureFixture[str], words: list[str], version: str
) -> None:
    manifest = render(workspace, capfd, *words)
    assert kubernetes_validate.validate(manifest, version, strict=True) == version
    manifest["spec"]["template"]["spec"]["restartPolcy"] = "Never"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("words", [TRAIN, [*SHARDED, *WISHES]])
def test_what_the_schema_does_not_see(
    workspace: Path, capfd: pytest.CaptureFixture[str], words: list[str]
) -> None:
    manifest = render(workspace, capfd, *words)
    pod = pod_of(manifest)
    (container,) = pod["containers"]
    # A Job's pod may not be restarted in place, and a podFailurePolicy demands Never.
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    # A name is a DNS label, or the pods of the Job cannot be named after it.
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", manifest["metadata"]["name"])
    for value in manifest["metadata"]["labels"].values():
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", value)
    # Every mount has its volume and every volume its mount; /tmp is the only other place to write.
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    assert mounts["workspace"]["mountPath"] == "/workspace"
    assert {m["mountPath"] for m in mounts.values() if not m.get("readOnly")} == {
        "/workspace", "/tmp",
    }  # fmt: skip
    # The exit codes of the policy belong to a container that exists.
    for rule in manifest["spec"]["podFailurePolicy"]["rules"]:
        if "onExitCodes" in rule:
            assert rule["onExitCodes"]["containerName"] == container["name"]
            assert 0 not in rule["onExitCodes"]["values"]


def fate(manifest: dict[str, Any], code: int, condition: str = "") -> str:
    """What the Job controller does with a pod that failed so: the first rule that fits decides."""
    for rule in manifest["spec"]["podFailurePolicy"]["rules"]:
        if any(c["type"] == condition for c in rule.get("onPodConditions", [])):
            return str(rule["action"])
        if code in rule.get("onExitCodes", {}).get("values", []):
            return str(rule["action"])
    return "Count"


@pytest.mark.parametrize(("words", "end"), [(TRAIN, "FailJob"), (SHARDED, "FailIndex")])
def test_only_what_a_retry_can_mend_is_tried_again(
    workspace: Path, capfd: pytest.CaptureFixture[str], words: list[str], end: str
) -> None:
    manifest = render(workspace, capfd, *words)
    assert [fate(manifest, code) for code in (2, 3, 4)] == [end] * 3
    assert fate(manifest, 75) == "Ignore"
    assert fate(manifest, 137, "DisruptionTarget") == "Ignore"
    assert [fate(manifest, code) for code in (1, 137)] == ["Count"] * 2
    limit = manifest["spec"].get("backoffLimit", manifest["spec"].get("backoffLimitPerIndex"))
    assert limit == 3


def test_wishes_become_resources(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    manifest = render(workspace, capfd, *TRAIN, *WISHES)
    (container,) = pod_of(manifest)["containers"]
    assert container["resources"] == {
        "requests": {"nvidia.com/gpu": 1, "memory": "16Gi", "cpu": "4"},
        "limits": {"nvidia.com/gpu": 1, "memory": "16Gi"},
    }
    assert container["image"] == "r.example/cxr:1"
    assert manifest["metadata"]["namespace"] == "lab"
    assert manifest["spec"]["activeDeadlineSeconds"] == 8 * 3600 + 30
    claims = [v["persistentVolumeClaim"]["claimName"] for v in pod_of(manifest)["volumes"]
              if "persistentVolumeClaim" in v]  # fmt: skip
    assert claims == ["study"]
    assert "completionMode" not in manifest["spec"]


def test_shards_are_the_indexes_of_one_job(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    manifest = render(workspace, capfd, *SHARDED)
    spec = manifest["spec"]
    assert (spec["completionMode"], spec["completions"]) == ("Indexed", 16)
    (container,) = pod_of(manifest)["containers"]
    assert container["args"] == [
        "preprocess", "--workspace=/workspace", "--root=/data/mimic $$(x)", "--shard=auto/16",
    ]  # fmt: skip
    index, run_id = container["env"]
    assert index["name"] == "CXR_SHARD_INDEX"
    assert "job-completion-index" in index["valueFrom"]["fieldRef"]["fieldPath"]
    assert run_id["value"].endswith("-$(CXR_SHARD_INDEX)")


@pytest.mark.parametrize("index", [0, 2])
def test_an_index_is_a_shard(
    tiny_workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    index: int,
) -> None:  # fmt: skip
    monkeypatch.setenv("CXR_SHARD_INDEX", str(index))
    words = ["preprocess", "--root", str(tiny_workspace / "none"), "--shard", "auto/3"]
    run([*words, "--workspace", str(tiny_workspace)])
    (record,) = read_runs(tiny_workspace)
    assert record.config["shard"] == f"{index + 1}/3"
    monkeypatch.delenv("CXR_SHARD_INDEX")
    capfd.readouterr()
    assert run([*words, "--workspace", str(tiny_workspace)]) == 2
    assert "CXR_SHARD_INDEX" in capfd.readouterr().err


@dataclass
class ApiServer:
    """Answers as told by `METHOD path`, and keeps what it was sent."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    pytest.importorskip("kubernetes", reason="the official client is an extra: cxr[cluster]")
    server = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "null")
            path = self.path.partition("?")[0]
            server.requests.append((self.command, self.path, body))
            code, reply = server.answers.get(f"{self.command} {path}", (200, {}))
            content = json.dumps(reply).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "users": [{"name": "u", "user": {}}],
        "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{http.server_port}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "lab"}}],
    }  # fmt: skip
    path = tmp_path / "kube"
    path.write_text(yaml.safe_dump(config))
    from kubernetes.config import kube_config

    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    yield server
    http.shutdown()
    http.server_close()


JOBS = "/apis/batch/v1/namespaces/lab/jobs"


def submit(workspace: Path, *words: str) -> int:
    return run(["submit", *words, "--engine", "kubernetes", "--workspace", str(workspace)])


def test_a_job_is_created_and_noted(
    workspace: Path, api: ApiServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert submit(workspace, *SHARDED) == 0
    run_ids = capfd.readouterr().out.split()
    ((method, path, body),) = api.requests
    assert (method, path) == ("POST", JOBS)
    assert body["spec"]["completions"] == 16
    assert len(run_ids) == 16
    record = read_record(run_folder(workspace, run_ids[3]))
    assert (record.state, record.engine) == ("submitted", "kubernetes")
    assert record.engine_id == f"lab/{body['metadata']['name']}"
    assert record.config["shard"] == "4/16"


def job(name: str, indexed: bool = False, **status: Any) -> dict[str, Any]:
    """A Job as the server tells of it."""
    pod = {"metadata": {}, "spec": {"containers": [{"name": "job"}]}}
    spec = {"template": pod, "completionMode": "Indexed" if indexed else "NonIndexed"}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def written(workspace: Path, run_id: str, name: str, state: runs.State = "submitted") -> None:
    record = RunRecord(run_id, "extract", {}, state, runs.now(), host="pod", engine="kubernetes",
                       engine_id=f"lab/{name}")  # fmt: skip
    runs.write_record(workspace, record)
    runs.append_event(run_folder(workspace, run_id), "heartbeat")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "submitted"),
        ({"active": 1, "ready": 0}, "submitted"),
        ({"active": 1, "ready": 1}, "running"),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, "succeeded"),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, "failed"),
        ({"conditions": [{"type": "Failed", "status": "False"}], "ready": 1}, "running"),
    ],
)
def test_the_state_comes_from_the_job(
    workspace: Path, api: ApiServer, status: dict[str, Any], state: str
) -> None:
    written(workspace, "a", "cxr-a")
    api.answers[f"GET {JOBS}"] = (200, {"items": [job("cxr-b"), job("cxr-a", **status)]})
    assert _engines.state(workspace, "a").state == state
    api.answers[f"GET {JOBS}"] = (200, {"items": []})
    assert _engines.state(workspace, "a").state == "lost"


def test_each_shard_has_its_own_state(workspace: Path, api: ApiServer) -> None:
    for index in range(5):
        written(workspace, f"a-{index}", "cxr-a")
    status = {"completedIndexes": "0,2-3", "failedIndexes": "1", "ready": 1}
    api.answers[f"GET {JOBS}"] = (200, {"items": [job("cxr-a", indexed=True, **status)]})
    records = _engines.present(workspace, read_runs(workspace))
    assert [r.state for r in records] == [
        "succeeded", "failed", "succeeded", "succeeded", "running",
    ]  # fmt: skip
    assert len(api.requests) == 1


def test_cancel_deletes_the_job_and_kills_after_the_grace(
    workspace: Path, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(2):
        written(workspace, f"a-{index}", "cxr-a", "running")
    pods = "/api/v1/namespaces/lab/pods"
    api.answers[f"GET {JOBS}"] = (200, {"items": [job("cxr-a", indexed=True, ready=2)]})

    def gone_after(pod_deletion: Any, seconds: float) -> bool:
        if any(path.startswith(pods) for _, path, _ in api.requests):
            api.answers[f"GET {JOBS}"] = (200, {"items": []})
        return bool(pod_deletion())

    monkeypatch.setattr(kubernetes, "wait_until", gone_after)
    assert _engines.cancel(workspace, "a-1", grace=1).state == "cancelled"
    deletions = [path for method, path, _ in api.requests if method == "DELETE"]
    assert "propagationPolicy=Foreground" in deletions[0]
    assert "gracePeriodSeconds=0" in deletions[1]
    assert "job-name%3Dcxr-a" in deletions[1]
    # The shards are one Job, and end as one.
    assert [r.state for r in read_runs(workspace)] == ["cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("answer", "code", "complaint"),
    [
        (
            (403, {"message": "jobs.batch is forbidden"}),
            2,
            "refused the request: jobs.batch is forbidden",
        ),
        ((404, {"message": 'namespaces "lab" not found'}), 2, 'namespaces "lab" not found'),
        ((503, {}), 75, "the cluster does not answer (503"),
        ((429, {}), 75, "the cluster does not answer (429"),
    ],
)
def test_what_the_cluster_refuses_is_one_line(
    workspace: Path, api: ApiServer, capfd: pytest.CaptureFixture[str],
    answer: tuple[int, Any], code: int, complaint: str,
) -> None:  # fmt: skip
    api.answers[f"POST {JOBS}"] = answer
    assert submit(workspace, *TRAIN) == code
    said = capfd.readouterr().err
    assert complaint in said
    assert said.strip().count("\n") == 0
    assert [r.state for r in read_runs(workspace)] == ["failed"]


def test_a_cluster_that_is_down(
    workspace: Path, api: ApiServer, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from kubernetes.config import kube_config

    path = Path(kube_config.KUBE_CONFIG_DEFAULT_LOCATION)
    path.write_text(re.sub(r"127.0.0.1:\d+", "127.0.0.1:1", path.read_text()))
    assert submit(workspace, *TRAIN) == 75
    said = capfd.readouterr().err
    assert "the cluster does not answer" in said
    assert said.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["preprocess", "--root", "/elsewhere"], "--data-claim mounts a claim at /data"),
        (["preprocess", "--root", "x", "--data-claim", "d"], "in the workspace or under /data"),
        ([*TRAIN, "--shards", "2"], "train-task has no --shard"),
        ([*TRAIN, "--partition", "x"], "--partition: not supported by --engine kubernetes"),
        ([*TRAIN, "--memory", "lots"], "--memory"),
    ],
)
def test_bad_input_is_one_line(
    workspace: Path, words: list[str], complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert submit(workspace, *words, "--dry-run") == 2
    said = capfd.readouterr().err
    assert complaint in said
    assert said.strip().count("\n") == 0
    assert not workspace.exists()


def test_without_client_or_cluster_it_says_how_to_get_one(
    workspace: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    assert submit(workspace, *TRAIN) == 2
    assert "pip install 'cxr[cluster]'" in capfd.readouterr().err
    monkeypatch.delitem(sys.modules, "kubernetes")
    pytest.importorskip("kubernetes", reason="the official client is an extra: cxr[cluster]")
    from kubernetes.config import kube_config

    nowhere = os.path.join(tmp_path, "nowhere")  # noqa: PTH118
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", nowhere)
    assert submit(workspace, *TRAIN) == 2
    assert "no Kubernetes cluster is configured here" in capfd.readouterr().err
    assert not workspace.exists()
