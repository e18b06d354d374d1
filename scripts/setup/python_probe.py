"""Prints, as one line of JSON, what this interpreter has of the requirements given as arguments ("torch>=2.2" or "torch==2.15.0")."""

import json
import re
import sys
from importlib import metadata


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", re.split(r"[+a-z]", version)[0])]


def state(requirement: str) -> dict[str, object]:
    name, relation, wanted = (*re.split(r"(>=|==)", requirement), "", "")[:3]
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return {"requirement": requirement, "found": None, "ok": False}
    ok = not relation or (numbers(found) >= numbers(wanted) if relation == ">=" else numbers(found) == numbers(wanted))
    return {"requirement": requirement, "found": found, "ok": ok}


def source_of(name: str) -> str | None:
    """The folder an editable install points at."""
    try:
        text = metadata.distribution(name).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    return None if text is None else json.loads(text).get("url")


print(
    json.dumps(
        {
            "version": list(sys.version_info[:3]),
            "prefix": sys.prefix,
            "virtual": sys.prefix != sys.base_prefix,
            "source": source_of("painnless"),
            "packages": [state(requirement) for requirement in sys.argv[1:]],
        }
    )
)
