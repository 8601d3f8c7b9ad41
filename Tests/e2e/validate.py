"""Validates frames against schema/frames, for the end-to-end tests.

Needs `jsonschema` from PyPI. A frame that is wrong raises `FrameError`, whose text says where and why.
"""

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import urljoin

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FRAMES = Path(__file__).resolve().parents[2] / "schema" / "frames"
MESSAGE_BYTES = 128 * 1024
CLIENT_PAYLOAD_BYTES = 32 * 1024


class FrameError(AssertionError):
    """A frame that is not as the schemas say."""


def validate_server_frame(text: str | bytes) -> dict:
    """Returns the parsed frame, or raises FrameError."""
    frame = parse(text, MESSAGE_BYTES)
    kind = frame.get("type", "gateway-error")
    return check(f"server/{kind}.json", frame)


def validate_client_frame(text: str | bytes) -> dict:
    """Returns the parsed frame, or raises FrameError."""
    frame = parse(text, CLIENT_PAYLOAD_BYTES)
    return check(f"client/{frame.get('action')}.json", frame)


def parse(text: str | bytes, limit: int) -> dict:
    """Reads JSON more strictly than Python does: no NaN, no duplicate members, nothing but UTF-8 within the limit."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8")
    if len(raw) > limit:
        raise FrameError(f"{len(raw)} bytes, more than {limit}")
    try:
        frame = json.loads(raw.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant)
    except ValueError as error:
        raise FrameError(f"no JSON: {error}") from error
    if not isinstance(frame, dict):
        raise FrameError("no JSON object")
    return frame


def check(name: str, value):
    """Validates a value against one file of schema/frames; returns the value."""
    if name not in schemas():
        raise FrameError(f"there is no schema {name}")
    error = best_match(_validator(name).iter_errors(value))
    if error is not None:
        raise FrameError(f"{name}: {error.json_path}: {error.message[:300]}")
    return value


@cache
def schemas() -> dict[str, dict]:
    """Every schema by its path under schema/frames."""
    return {path.relative_to(FRAMES).as_posix(): json.loads(path.read_text("utf-8")) for path in FRAMES.rglob("*.json")}


@cache
def _validator(name: str):
    base = FRAMES.as_uri() + "/"
    resources = [
        # Without its $schema: naming one makes the library go on with its own validator instead of this one.
        (urljoin(base, path), DRAFT202012.create_resource({k: v for k, v in schema.items() if k != "$schema"}))
        for path, schema in schemas().items()
    ]
    return _Validator({"$ref": urljoin(base, name)}, registry=Registry().with_resources(resources))


def _members(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _no_constant(name):
    raise ValueError(name)


def _max_bytes(validator, limit, value, schema):
    if isinstance(value, str) and len(value.encode("utf-8", "surrogatepass")) > limit:
        yield ValidationError(f"more than {limit} bytes of UTF-8")


def _pattern(validator, pattern, value, schema):
    # The patterns are ECMA-262's, whose $ is the very end; Python's also matches before a last line feed.
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern}")


_Validator = extend(Draft202012Validator, {"x-maxBytes": _max_bytes, "pattern": _pattern})
