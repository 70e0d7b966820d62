"""The API's document against the API: the document is valid OpenAPI 3.1, and no answer is outside of it."""
import subprocess

import requests
from conftest import ROOT
from openapi_spec_validator import validate


def test_the_document_is_valid(shared_service):
    validate(requests.get(f"{shared_service.url}/openapi.json", timeout=10).json())


def test_the_document_is_the_one_in_the_source(shared_service):
    served = requests.get(f"{shared_service.url}/openapi.json", timeout=10).content
    assert served == (ROOT / "api/openapi.json").read_bytes()


def test_no_answer_is_outside_the_document(shared_service):
    """A property-based client (schemathesis) calls every operation with what the document allows, and with
    what it does not. Only /api/events has no end to wait for; test_people.py reads it."""
    done = subprocess.run(
        [str(ROOT / "build/venv/bin/schemathesis"),
         "run", f"{shared_service.url}/openapi.json", "--checks",
         "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
         "--max-examples", "20", "--seed", "1", "--exclude-path", "/api/events", "--workers", "1", "--request-timeout", "40"],
        capture_output=True, text=True, timeout=540, cwd=shared_service.data)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
