"""Thousands of tokens, judged by the service's verifier and by PyJWT: ours may be stricter for the reasons named here, and never laxer."""

import base64
import collections
import datetime
import json
import os
import re
import time

import jwt
import pytest

from mutations import tokens
from signing import ALGORITHMS, SECRET, everything, keys
from verifying import exchange

NOW = int(time.time())
SEED = int(os.environ.get("MUSTER_TOKEN_SEED", "6"))
COUNT = int(os.environ.get("MUSTER_TOKEN_COUNT", "10000"))
LEEWAY = 30
# Claims that PyJWT would judge: the audience does not matter without one to compare with, and nobody here reads `jti`.
UNREAD = {"verify_aud": False, "verify_jti": False}

# What each key is for, as a caller of PyJWT has to say itself.
FOR = {kid: [name for name, owner in ALGORITHMS.items() if owner == ("rsa" if kid == "cubic" else kid)] for kid in
       ("rsa", "cubic", "p256", "p384", "ed")}


class Stopped(datetime.datetime):
    """PyJWT's clock: it judges at the moment at which the service is asked to."""

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(NOW, tz)


def candidates(header: dict) -> list[tuple]:
    """The keys that a token may have been signed with, and their algorithms: the secret has no `kid` and answers to each."""
    named = [(key.public_key(), FOR[kid]) for kid, key in keys().items() if header.get("kid") in (None, kid)]
    return named + [(SECRET.encode(), ["HS256", "HS384", "HS512"])]


def reference(token: str) -> dict | None:
    """The claims, as PyJWT reads them, or None."""
    # Whatever it raises is a refusal: on some tokens errors of its own escape.
    try:
        found = candidates(jwt.get_unverified_header(token))
    except Exception:
        return None
    for key, algorithms in found:
        try:
            return jwt.decode(token, key, algorithms=algorithms, leeway=LEEWAY, options=UNREAD)
        except Exception:
            continue
    return None


def part(token: str, index: int) -> bytes:
    return base64.urlsafe_b64decode(token.split(".")[index].encode("ascii", "ignore") + b"===")


def is_canonical(token: str, index: int) -> bool:
    text = token.split(".")[index]
    return base64.urlsafe_b64encode(part(token, index)).rstrip(b"=").decode() == text


def is_strict_json(data: bytes) -> bool:
    """Whether every reader of JSON reads the same: UTF-8, unique names, no lone surrogates, no NaN, not deep."""
    def unique(pairs):
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    def refuse(_):
        raise ValueError

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, AssertionError):
        return False
    return isinstance(value, dict) and "[" * 33 not in data.decode()


def is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 253402300799


def is_user(value) -> bool:
    return isinstance(value, str) and 1 <= len(value.encode()) <= 256 and not re.search("[\x00-\x1f\x7f-\x9f]", value)


def strings(value) -> bool:
    return isinstance(value, list) and all(isinstance(element, str) for element in value)


CLAIMS = {
    "sub": is_user, "tenant": lambda value: isinstance(value, str) and re.fullmatch("[A-Za-z0-9._:@-]{1,128}", value),
    "exp": is_number, "nbf": is_number, "iat": is_number, "iss": lambda value: isinstance(value, str),
    "aud": lambda value: isinstance(value, str) or strings(value), "rooms": strings, "roles": strings,
}


def header(token: str) -> dict:
    return json.loads(part(token, 0))


def payload(token: str) -> dict:
    return json.loads(part(token, 1))


def claim(token: str, name: str, missing=None):
    return payload(token).get({"tenant": "tenantId"}.get(name, name), missing)


# Why ours may refuse what PyJWT accepts, and how to see that the token gives that reason.
STRICTER = {
    f"header {name} is missing, wrong or not allowed": lambda token, name=name: name in header(token)
    for name in ("crit", "b64", "jwk", "jku", "x5u", "x5c")
}
STRICTER |= {
    "header typ is missing, wrong or not allowed": lambda token: str(header(token)["typ"]).lower() not in ("jwt", "at+jwt"),
    "header kid is missing, wrong or not allowed": lambda token: not isinstance(header(token)["kid"], str) or len(header(token)["kid"]) > 256,
    "expired": lambda token: claim(token, "exp") <= NOW,
}
STRICTER |= {f"{name} is not canonical base64url": lambda token, index=index: not is_canonical(token, index)
             for index, name in enumerate(("header", "payload", "signature"))}
STRICTER |= {f"{name} is not a JSON object with unique names": lambda token, index=index: not is_strict_json(part(token, index))
             for index, name in enumerate(("header", "payload"))}
STRICTER |= {f"claim {name} is missing": lambda token, name=name: claim(token, name, Ellipsis) is Ellipsis for name in ("sub", "tenant", "exp")}
STRICTER |= {f"claim {name} has a wrong type or value": lambda token, name=name, is_right=is_right: not is_right(claim(token, name))
             for name, is_right in CLAIMS.items()}


@pytest.mark.timeout(600)
def test_pyjwt_accepts_all_that_is_accepted_and_refuses_for_a_named_reason_what_it_does_not(capsys, monkeypatch):
    monkeypatch.setattr(jwt.api_jwt, "datetime", Stopped)
    made = tokens(SEED, COUNT, NOW)
    # The secret as a key of the set: a private file may hold it.
    secret = {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()}
    whole = json.loads(everything())
    given = {"keys": json.dumps({"keys": whole["keys"] + [secret]}), "secrets": True}
    answers = exchange([given, *({"token": token, "now": NOW * 1000} for token in made)])
    assert answers[0] == {"keys": len(keys()) + 1, "ignored": []}
    counts = collections.Counter()
    for token, ours in zip(made, answers[1:]):
        theirs, reason = reference(token), ours.get("refused")
        if reason is None:
            assert theirs is not None, f"PyJWT refuses what is accepted: {token}"
            assert (ours["sub"], ours["tenantId"], ours["exp"]) == (theirs["sub"], theirs["tenantId"], int(theirs["exp"])), token
            counts["accepted by both"] += 1
        elif theirs is None:
            counts["refused by both"] += 1
        else:
            assert reason in STRICTER, f"refused for {reason}: {token}"
            assert STRICTER[reason](token), f"refused for {reason}, which is not so: {token}"
            counts[f"refused for: {reason}"] += 1
    with capsys.disabled():
        print("\n" + "\n".join(f"{number:6} {name}" for name, number in counts.most_common()))
    assert counts["accepted by both"] > COUNT / 5 and counts["refused by both"] > COUNT / 5
