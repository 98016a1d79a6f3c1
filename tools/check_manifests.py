"""Checks deploy/k8s and deploy/azure without a cluster.

Every Kubernetes object against the schema of its kind; kustomizations against the files there are;
names that refer to each other; every variable against the settings. Objects of kinds that
Kubernetes itself does not have are checked for their variables only. Prints every finding; exits 1
if there is one.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from pydantic import ValidationError

from app.core.config import Settings

SETTINGS = {name.upper() for name in Settings.model_fields}
# Read by others than the settings: pip, the Azure SDK, OpenTelemetry, uvicorn, App Service itself.
FOREIGN = re.compile(
    r"PIP_|AZURE_FEDERATED|OTEL_|FORWARDED_ALLOW_IPS$|WEBSITES_|SCM_|DOCKER_REGISTRY_"
)
IMAGE = "voice-cloner-api"
VERSION = "1.37"

Document = dict[str, Any]


def findings(deploy: Path) -> Iterator[str]:
    """All that is wrong under the folder `deploy`."""
    base = deploy / "k8s" / "base"
    for folder in (base, deploy / "k8s" / "overlays" / "example"):
        yield from _kustomization(folder)
    files = sorted((deploy / "k8s").rglob("*.yaml"))
    objects = {path: list(_documents(path)) for path in files if path.name != "kustomization.yaml"}
    for path, documents in objects.items():
        for document in documents:
            yield from _schema(path, document)
    yield from _references(
        [one for path in objects if path.parent == base for one in objects[path]]
    )
    config = [
        one for documents in objects.values() for one in documents if one.get("kind") == "ConfigMap"
    ]
    for document in config:
        yield from _variables("ConfigMap", document["data"])
    secrets = deploy / "k8s" / "overlays" / "example" / "secrets.env.example"
    yield from _variables(
        secrets.name, dict(line.split("=", 1) for line in secrets.read_text().split())
    )
    yield from _vault(deploy / "k8s" / "examples" / "key-vault.yaml")
    yield from _built(deploy / "k8s")
    yield from _azure(deploy / "azure")


def _documents(path: Path) -> Iterator[Document]:
    yield from (one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one)


def _schema(path: Path, document: Document) -> Iterator[str]:
    kind = document.get("apiVersion", "")
    if not kind or "csi.x-k8s.io" in kind:
        return
    if path.parent.name == "example" and document["kind"] == "ConfigMap":
        return  # a patch
    try:
        kubernetes_validate.validate(document, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        where = ".".join(str(part) for part in error.path)
        yield f"{path}: {document['kind']}: {where}: {error.message.splitlines()[0][:200]}"


def _kustomization(folder: Path) -> Iterator[str]:
    """Each file is listed, each listed one is there."""
    file = folder / "kustomization.yaml"
    [content] = _documents(file)
    listed = {
        *content.get("resources", []),
        *(patch["path"] for patch in content.get("patches", [])),
    }
    there = {path.name for path in folder.glob("*.yaml")} - {file.name}
    for name in sorted(listed):
        if not (folder / name).exists():
            yield f"{file}: {name} is not there"
    for name in sorted(there - listed):
        yield f"{file}: {name} is not listed"
    for image in content.get("images", []):
        if image["name"] != IMAGE:
            yield f"{file}: nothing uses the image {image['name']}"


def _built(folder: Path) -> Iterator[str]:
    """What `kubectl apply -k` would send, where there is a kubectl. It asks no cluster."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        print("*** NOT CHECKED: what kustomize builds: no kubectl here ***", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as made:
        copy = Path(shutil.copytree(folder, Path(made) / "k8s"))
        overlay = copy / "overlays" / "example"
        shutil.copy(overlay / "secrets.env.example", overlay / "secrets.env")
        run = subprocess.run(
            [kubectl, "kustomize", overlay], capture_output=True, text=True, check=False
        )
    if run.returncode:
        yield f"kubectl kustomize: {run.stderr.strip()[-300:]}"
        return
    for document in yaml.safe_load_all(run.stdout):
        yield from _schema(Path("kubectl kustomize"), document)


def _references(objects: list[Document]) -> Iterator[str]:
    """Selectors select the pods, ports and names agree."""
    [deployment] = [one for one in objects if one["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]
    labels = pod["metadata"]["labels"].items()
    ports = {port["name"] for one in pod["spec"]["containers"] for port in one.get("ports", [])}
    named = {(one["kind"], one["metadata"]["name"]) for one in objects} | {
        ("Secret", "voice-cloning")
    }
    for one in objects:
        spec = one.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector") or {}
        wanted = selector.get("matchLabels", selector) if isinstance(selector, dict) else {}
        if one["kind"] != "Job" and not wanted.items() <= labels:
            yield f"{one['kind']}: its selector does not select the pods of the deployment"
    for text in _strings(objects, "port", "targetPort"):
        if not text.isdigit() and text not in ports:
            yield f"there is no port {text!r}"
    for kind, name in _named(objects):
        if (kind, name) not in named:
            yield f"there is no {kind} {name!r}"
    for image in set(_strings(objects, "image")) - {IMAGE}:
        yield f"the image {image} is not the one that the overlay replaces"


def _strings(node: Any, *keys: str) -> Iterator[str]:
    """The values under these keys, anywhere."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in keys and isinstance(value, str | int):
                yield str(value)
            yield from _strings(value, *keys)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value, *keys)


def _named(node: Any) -> Iterator[tuple[str, str]]:
    """What is referred to by name."""
    kinds = {"configMapRef": "ConfigMap", "secretRef": "Secret", "scaleTargetRef": "Deployment"}
    if isinstance(node, dict):
        for key, value in node.items():
            if key in kinds:
                yield kinds[key], value["name"]
            elif key == "serviceAccountName":
                yield "ServiceAccount", value
            elif key == "backend":
                yield "Service", value["service"]["name"]
            yield from _named(value)
    elif isinstance(node, list):
        for value in node:
            yield from _named(value)


def _variables(where: str, values: dict[str, Any]) -> Iterator[str]:
    for name in values:
        if name not in SETTINGS and not FOREIGN.match(name):
            yield f"{where}: there is no setting {name}"
    known = {name.lower(): value for name, value in values.items() if name in SETTINGS and value}
    try:
        Settings(_env_file=None, **known)
    except ValidationError as error:
        for one in error.errors():
            yield f"{where}: {str(one['loc'][0]).upper()}: {one['msg']}"


def _vault(path: Path) -> Iterator[str]:
    [provider] = _documents(path)
    for secret in provider["spec"]["secretObjects"]:
        yield from _variables(path.name, {entry["key"]: "" for entry in secret["data"]})


def _azure(folder: Path) -> Iterator[str]:
    settings = json.loads((folder / "app-service.settings.json").read_text(encoding="utf-8"))
    for entry in settings:
        if set(entry) != {"name", "value", "slotSetting"}:
            yield f"app-service.settings.json: {entry.get('name')}: needs name, value, slotSetting"
    plain = {one["name"]: one["value"] for one in settings if "@Microsoft" not in one["value"]}
    yield from _variables("app-service.settings.json", plain)
    yield from _variables(
        "app-service.settings.json", {one["name"]: "" for one in settings if "@" in one["value"]}
    )
    [group] = _documents(folder / "container-instance.yaml")
    for container in group["properties"]["containers"]:
        variables = container["properties"]["environmentVariables"]
        yield from _variables(
            "container-instance.yaml", {one["name"]: one.get("value", "") for one in variables}
        )


def main() -> int:
    found = list(findings(Path(__file__).parents[1] / "deploy"))
    for finding in found:
        print(finding)
    print(f"check_manifests: {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
