#!/usr/bin/env python3
"""Checks compose.yaml without an engine: against the JSON schema of the Compose Specification, and
against the Dockerfile it builds from. It does not run compose.

    check_compose.py SCHEMA COMPOSE DOCKERFILE

The schema is the file compose_spec.json of the package docker-compose 1.29.2 (docker/check fetches it
by hash). It is older than the key `name` at the top, which is checked here.
"""
import json
import pathlib
import re
import sys

import jsonschema
import yaml


SECRET_OF = {"api", "broker", "secret"}  # the readers of access.secret, and the service that creates it


def findings(schema, compose, dockerfile):
    """Everything that is wrong, one sentence each."""
    found = []
    document = dict(compose)
    name = document.pop("name", "")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        found.append(f"name: {name!r} is not a project name")
    for error in jsonschema.Draft7Validator(schema).iter_errors(document):
        place = "/".join(str(step) for step in error.absolute_path)
        found.append(f"{place or 'top'}: {error.message}")
    if found:
        return found  # the next checks rely on the form
    services = compose.get("services", {})
    stages = set(re.findall(r"^FROM .* AS (\S+)$", dockerfile, re.MULTILINE))
    for service, body in services.items():
        target = body.get("build", {}).get("target")
        if target not in stages:
            found.append(f"{service}: the Dockerfile has no stage {target!r}")
        for other, how in body.get("depends_on", {}).items():
            if other not in services:
                found.append(f"{service}: depends on {other!r}, which is no service")
            elif how["condition"] == "service_healthy" and not has_health(
                    services[other], dockerfile):
                found.append(f"{service}: waits for the health of {other}, which has no HEALTHCHECK")
        for volume in body.get("volumes", []):
            source = volume.split(":")[0]
            if source not in compose.get("volumes", {}):
                found.append(f"{service}: {source!r} is no volume")
        for network in body.get("networks", []):
            if network not in compose.get("networks", {}):
                found.append(f"{service}: {network!r} is no network")
        for bound in ("mem_limit", "pids_limit"):
            if bound not in body:
                found.append(f"{service}: has no {bound}")
        if any(volume.split(":")[0] == "secret" for volume in body.get("volumes", [])) != (service in SECRET_OF):
            found.append(f"{service}: the volume 'secret' is for {', '.join(sorted(SECRET_OF))}, and for nobody else")
        for port in body.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                found.append(f"{service}: port {port} is open to other machines")
    return found


def has_health(service, dockerfile):
    """True if the service's stage has a HEALTHCHECK, in the file or in compose."""
    target = service.get("build", {}).get("target")
    stage = re.search(rf"^FROM \S+ AS {re.escape(target)}$(.*?)(?=^FROM |\Z)", dockerfile,
                      re.MULTILINE | re.DOTALL)
    return "healthcheck" in service or bool(stage and "\nHEALTHCHECK " in stage.group(1))


def main():
    schema, compose, dockerfile = (pathlib.Path(path) for path in sys.argv[1:4])
    found = findings(json.loads(schema.read_text()), yaml.safe_load(compose.read_text()),
                     dockerfile.read_text())
    for finding in found:
        print(f"{compose}: {finding}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
