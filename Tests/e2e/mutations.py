"""Tokens for comparing verifiers: right ones, and what becomes of them when bits, members, algorithms, claims and times change."""

import json
import random
import string

from signing import ALGORITHMS, SECRET, decode, encode, keys, signed, token

HS = ["HS256", "HS384", "HS512"]
BASE64URL = string.ascii_letters + string.digits + "-_"

# Values that a member may have by an attacker's or an issuer's mistake.
ODD = [None, True, False, 0, 1, -1, 1.5, "", "1", "x", "alice", "acme", [], ["a"], [1], [None], {}, {"a": 1}, "é", "a\u0000b", "x" * 300]
HEADERS = {
    "crit": [["exp"], [], ["b64"], None, "exp"], "b64": [False, True, None], "jwk": [{}, None, {"kty": "oct", "k": "AAAA"}],
    "jku": ["https://evil.example/"], "x5u": ["https://evil.example/"], "x5c": [["MIIB"], []], "x5t": ["AAAA"], "cty": ["JWT"],
    "typ": ["JWT", "jwt", "at+jwt", "AT+JWT", "JWE", "", 1, None, "application/at+jwt"], "kid": ["rsa", "p256", "RSA", "", None, 1, "x" * 257],
    "alg": ["none", "None", "", None, 1, [], "RS1", "ES512", "rs256", "HS256 ", *HS, *ALGORITHMS], "zip": ["DEF"], "x": [None],
}


def claims(choose: random.Random, now: int) -> dict:
    """Claims that are valid most of the time, and never within a minute of a limit."""
    made = {
        "sub": choose.choice(["alice", "bob", "ü", "x" * 256]), "tenantId": choose.choice(["acme", "t-1", "a.b:c@d_e"]),
        "exp": now + choose.choice([120, 3600, 10**6, 10**9]),
    }
    for name, values in {
        "iat": [now, now - 10**6, now - 0.5, 0], "nbf": [now, now - 100, 0], "rooms": [["a", "b-*"], []], "roles": [["admin"], []],
        "iss": ["https://id.example/"], "aud": ["chat", ["chat"], []], "jti": ["1"],
    }.items():
        if choose.random() < 0.2:
            made[name] = choose.choice(values)
    return made


def spoiled(choose: random.Random, made: dict, now: int) -> dict:
    """The claims with one of them missing or changed."""
    made = dict(made)
    name = choose.choice(["sub", "tenantId", "exp", "nbf", "iat", "rooms", "roles", "iss", "aud", "jti", "exp", "sub"])
    times = [now - 120, now - 10**6, now + 120, now + 10**6, str(now + 120), float(now + 120), now * 1000, 10**30, 1e300]
    match choose.randrange(4):
        case 0: made.pop(name, None)
        case 1 if name in ("exp", "nbf", "iat"): made[name] = choose.choice(times)
        case _: made[name] = choose.choice(ODD)
    return made


def text(choose: random.Random, value: dict) -> bytes:
    """JSON as one of many writers makes it, now and then as none should."""
    written = json.dumps(value, ensure_ascii=choose.random() < 0.5, separators=choose.choice([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]))
    match choose.randrange(30):
        case 0: written = " \r\n" + written + " "
        case 1: written = "\ufeff" + written
        case 2 if value: written = written[:-1] + "," + json.dumps(next(iter(value))) + ":" + json.dumps(choose.choice(ODD)) + "}"
        case 3: written = written + choose.choice(["x", "{}", "\u0000", ","])
        case 4: written = written[:-1] + ',"deep":' + "[" * 40 + "]" * 40 + "}"
        case 5: written = written[:-1] + ',"number":NaN}'
        case 6: written = written[:-1] + ',"lone":"\\ud800"}'
        case 7: return written.encode() [:-1] + b',"bytes":"\xff"}'
    return written.encode()


def broken(choose: random.Random, whole: str, others: list[str]) -> str:
    """The text of a token with a few of its characters changed."""
    parts = whole.split(".")
    place = choose.randrange(len(parts))
    index = choose.randrange(max(1, len(parts[place])))
    match choose.randrange(11):
        case 0: parts[place] = parts[place][:index] + choose.choice(BASE64URL) + parts[place][index + 1:]
        case 1: parts[place] = parts[place][:index] + choose.choice(" \n\t=+/#?.%é\u0000~") + parts[place][index:]
        case 2: parts[place] = parts[place][:index] + parts[place][index + 1:]
        case 3: parts[place] = parts[place][:index]
        case 4: parts[place] = choose.choice(others).split(".")[place % 3]
        case 5: parts[place] += "="
        case 6: parts[place] = parts[place][:-1] + choose.choice(BASE64URL)
        case 7: parts = parts[:place] + parts[place + 1:]
        case 8: parts = parts + [choose.choice(["", "AAAA"])]
        case 9: parts = [choose.choice(" \n\t") + whole, whole + choose.choice(" \n\t")][choose.randrange(2)].split(".")
        case 10:
            data = bytearray(decode(parts[place])) or bytearray(1)
            data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
            parts[place] = encode(bytes(data))
    return ".".join(parts)


def tokens(seed: int, count: int, now: int) -> list[str]:
    """Tokens that are the same for a seed, a time and the keys of this run."""
    choose = random.Random(seed)
    made: list[str] = []
    right: list[str] = []
    while len(made) < count:
        algorithm = choose.choice([*ALGORITHMS, *HS, "ES256", "EdDSA", "EdDSA"])
        payload = claims(choose, now)
        header = {"alg": algorithm}
        if algorithm in ALGORITHMS and choose.random() < 0.8:
            header["kid"] = ALGORITHMS[algorithm]
        kind = choose.randrange(10)
        if kind in (1, 2, 3):
            payload = spoiled(choose, payload, now)
        if kind in (3, 4):
            name = choose.choice(list(HEADERS))
            header[name] = choose.choice(HEADERS[name])
        plain = choose.random() < 0.7
        parts = [json.dumps(part).encode() if plain else text(choose, part) for part in (header, payload)]
        whole = token(algorithm, parts[1], parts[0])
        right.append(whole)
        if kind in (5, 6, 7):
            whole = broken(choose, whole, right)
        if kind == 8:
            whole = confused(choose, whole)
        made.append(whole)
    return made


def confused(choose: random.Random, whole: str) -> str:
    """The token under another algorithm, and signed with what an attacker has: a public key, the secret of nobody, nothing."""
    payload = whole.split(".")[1]
    algorithm = choose.choice([*HS, *ALGORITHMS, "none"])
    header = encode(json.dumps({"alg": algorithm, "kid": choose.choice(list(keys()))}).encode())
    data = f"{header}.{payload}"
    if algorithm in HS:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        public = choose.choice(list(keys().values())).public_key().public_bytes(
            choose.choice([Encoding.PEM, Encoding.DER]), PublicFormat.SubjectPublicKeyInfo)
        signature = signed(algorithm, data.encode(), choose.choice([public, b"", b"secret", SECRET.encode()[:-1]]))
    elif algorithm == "none":
        signature = b""
    else:
        signature = decode(whole.split(".")[2]) if choose.random() < 0.5 else signed(algorithm, data.encode())
    return f"{data}.{encode(signature)}"
