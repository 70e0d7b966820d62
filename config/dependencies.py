#!/usr/bin/env python3
"""The libraries and models of the programs, with the versions on this machine: from config/dependencies.txt, the installed
packages, and config/models.

    config/dependencies.py --version 0.1.0 --deps build/deps [--header FILE] [--spdx FILE]

--header  C++: the lines that `vultus-api --version --verbose` prints, and what is known of each model
--spdx    a document of SPDX 2.3 (JSON): each library and model file with licence, version and, of models, hash
"""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ORGANIZATION = "Organization: The Vultus authors"


def names_here(release="/etc/os-release"):
    """Debian 12's name -> name on this system, of what has another one (packages.*)."""
    try:
        system = dict(line.split("=", 1) for line in pathlib.Path(release).read_text().splitlines() if "=" in line)
        text = (HERE / "packages.{ID}-{VERSION_ID}".format(**{name: value.strip('"') for name, value in system.items()})).read_text()
    except (OSError, KeyError):
        return {}
    pairs = (line.split("|") for line in text.splitlines() if "|" in line and not line.startswith("#"))
    return {old.strip(): new.split()[0] for old, new in pairs if new.strip()}


def dependencies():
    rows, other = [], names_here()
    for line in (HERE / "dependencies.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, licence, package, programs, home = (word.strip() for word in line.split("|"))
            rows.append({"name": name, "licence": licence, "package": other.get(package, package),
                         "programs": programs.split(), "home": home})
    return rows


def versions(rows, deps):
    """Package -> version by dpkg; "unknown" on a system without dpkg."""
    found = {}
    try:
        names = [row["package"] for row in rows]
        listed = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *names], capture_output=True, text=True)
        found = dict(line.split(" ", 1) for line in listed.stdout.splitlines() if line.split(" ", 1)[1:])
    except FileNotFoundError:
        pass
    for row in rows:
        unpacked = pathlib.Path(deps, row["package"])  # config/install writes the version there
        if unpacked.is_file():
            found[row["package"]] = unpacked.read_text().strip()
    return {row["package"]: found.get(row["package"]) or "unknown" for row in rows}


def header(rows, version_of):
    lines = ["// Made by config/dependencies.py.", "#pragma once", "", "namespace vultus {", "",
             "struct dependency {", "    const char *name, *version, *licence, *programs;  // \"all\", or words with spaces around",
             "};", "inline constexpr dependency dependencies[] = {"]
    for row in rows:
        words = [row["name"], version_of[row["package"]], row["licence"], " " + " ".join(row["programs"]) + " "]
        lines.append("    {" + ", ".join(json.dumps(word) for word in words) + "},")
    lines += ["};", "", "struct model_facts {", "    const char *name, *kind, *licence, *training;", "    unsigned dimension;  // 0: no embedder",
              "    bool required;", "};", "inline constexpr model_facts facts_of_models[] = {"]
    for name, model in manifests():
        words = [name, model["kind"], model["licence"], model.get("training", "")]
        rest = [str(model.get("dimension", 0)), "true" if model.get("required") else "false"]
        lines.append("    {" + ", ".join([*(json.dumps(word, ensure_ascii=False) for word in words), *rest]) + "},")
    return "\n".join([*lines, "};", "", "}  // namespace vultus", ""])


def manifests():
    """Each detector, embedder and landmarks model with its manifest. An embedder has the name before the "/" of what workers offer."""
    for path in sorted((HERE / "models").glob("*.toml")):
        model = tomllib.loads(path.read_text(encoding="utf-8"))
        if model["kind"] != "photos":
            yield model.get("network", path.stem), model


def models():
    """The model files, and the package or address that they come from."""
    found = []
    for path in sorted((HERE / "models").glob("*.toml")):
        model = tomllib.loads(path.read_text(encoding="utf-8"))
        if model["kind"] == "photos":
            continue
        source = model["source"][0]
        for entry in model["file"]:
            found.append({"file": entry["name"], "hash": entry["sha256"], "licence": model["licence"],
                          "version": source.get("version", "NOASSERTION"), "source": source.get("package") or source["address"]})
    return found


def spdx(rows, version_of, version):
    def spdx_id(text):
        return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")
    ours = {"SPDXID": "SPDXRef-vultus", "name": "vultus", "versionInfo": version, "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION"}
    packages, relations = [ours], [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-vultus")]
    for row in rows:
        packages.append({
            "SPDXID": spdx_id(row["name"]), "name": row["name"], "versionInfo": version_of[row["package"]], "homepage": row["home"],
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": row["licence"],
            "licenseDeclared": row["licence"], "copyrightText": "NOASSERTION", "comment": "in " + ", ".join(row["programs"]),
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator":
                              f"pkg:deb/debian/{row['package']}@{version_of[row['package']].replace(':', '%3A').replace('+', '%2B')}"}]})
        relations.append(("SPDXRef-vultus", "DEPENDS_ON", spdx_id(row["name"])))
    for model in models():
        packages.append({
            "SPDXID": spdx_id("model-" + model["file"]), "name": model["file"], "versionInfo": model["version"],
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": model["licence"],
            "licenseDeclared": model["licence"], "copyrightText": "NOASSERTION",
            "comment": f"data, fetched by config/fetch.py; a file of {model['source']}",
            "checksums": [{"algorithm": "SHA256", "checksumValue": model["hash"]}]})
        relations.append((spdx_id("model-" + model["file"]), "DATA_FILE_OF", "SPDXRef-vultus"))
    when = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", datetime.datetime.now().timestamp())),
                                           datetime.timezone.utc)
    body = json.dumps(packages, sort_keys=True)
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"vultus-{version}",
            "documentNamespace": f"https://spdx.org/spdxdocs/vultus-{version}-{hashlib.sha256(body.encode()).hexdigest()[:32]}",
            "creationInfo": {"created": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: config/dependencies.py", ORGANIZATION]},
            "packages": packages,
            "relationships": [{"spdxElementId": a, "relationshipType": how, "relatedSpdxElement": b} for a, how, b in relations]}


def write(file, text):
    """"-" is the standard output; a device or pipe is written into; a file is replaced atomically, and not touched if it
    is the same already."""
    if str(file) == "-":
        print(text, end="", flush=True)
    elif file.exists() and not file.is_file():
        with open(file, "w") as device:
            device.write(text)
    elif not file.exists() or file.read_text() != text:
        place = file.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f"{place.name}.{os.getpid()}.new")
        try:
            part.write_text(text)
            os.replace(part, place)
        finally:
            part.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", required=True)
    parser.add_argument("--deps", default="build/deps")
    parser.add_argument("--header", type=pathlib.Path)
    parser.add_argument("--spdx", type=pathlib.Path)
    given = parser.parse_args()
    rows = dependencies()
    version_of = versions(rows, given.deps)
    if given.header:
        write(given.header, header(rows, version_of))
    if given.spdx:
        write(given.spdx, json.dumps(spdx(rows, version_of, given.version), indent=1) + "\n")


if __name__ == "__main__":
    main()
