#!/usr/bin/env python3
"""The packages of an image as SPDX 2.3: sbom.py IMAGE VERSION OURS <list, where the list has "name version architecture" a line, and
OURS is the document of our programs (config/dependencies.py), which is merged into it if it exists."""
import json
import pathlib
import re
import sys


def document(image, version, lines, ours):
    top = {"SPDXID": "SPDXRef-image", "name": image, "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
           "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION"}
    packages, relations = [top], [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image")]
    for line in lines:
        name, found, architecture = line.split()
        packages.append({**top, "SPDXID": "SPDXRef-deb-" + re.sub(r"[^A-Za-z0-9.]+", "-", f"{name}-{architecture}"), "name": name,
                         "versionInfo": found, "externalRefs": [{
                             "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator":
                             f"pkg:deb/debian/{name}@{found.replace(':', '%3A').replace('+', '%2B')}?arch={architecture}"}]})
        relations.append(("SPDXRef-image", "CONTAINS", packages[-1]["SPDXID"]))
    packages += ours.get("packages", [])
    merged = [one for one in ours.get("relationships", []) if one["spdxElementId"] != "SPDXRef-DOCUMENT"]
    if ours:
        relations.append(("SPDXRef-image", "CONTAINS", "SPDXRef-vultus"))
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"{image}-{version}",
            "documentNamespace": f"https://spdx.org/spdxdocs/{image}-{version}",
            "creationInfo": ours.get("creationInfo", {"created": "1970-01-01T00:00:00Z", "creators": ["Tool: docker/sbom.py"]}),
            "packages": packages,
            "relationships": [*({"spdxElementId": a, "relationshipType": how, "relatedSpdxElement": b} for a, how, b in relations), *merged]}


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[3])
    programs = json.loads(path.read_text()) if path.exists() else {}
    json.dump(document(sys.argv[1], sys.argv[2], sys.stdin.read().splitlines(), programs), sys.stdout, indent=1)
    print()
