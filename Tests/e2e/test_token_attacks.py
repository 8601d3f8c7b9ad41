"""Tokens and keys made to be refused, by the categories of the public vectors of JSON Web Signature, beside those that must be accepted."""

import hashlib
import json
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils

from signing import (ALGORITHMS, SECRET, SHA256_INFO, assembled, decode, document, encode, everything, jwk, keys, number, pkcs1, pss, raw,
                     signed, token)
from verifying import exchange, outcome, outcomes

NOW = time.time()
PAYLOAD = {"sub": "alice", "tenantId": "acme", "exp": int(NOW) + 3600}
WRONG = "wrong signature"
JUNK = {"a space": " ", "a line's end": "\n", "a number sign": "#", "a question mark": "?", "padding": "=", "a plus": "+", "é": "é"}


def refusals(tokens: dict[str, str], keys: dict | None = None) -> dict[str, str | None]:
    answers = outcomes(keys or {"keys": everything()}, list(tokens.values()), NOW)
    return {name: answer.get("refused") for name, answer in zip(tokens, answers)}


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "HS256", "HS384", "HS512"])
def test_what_is_signed_rightly_is_accepted(algorithm):
    given = {"secret": SECRET} if algorithm.startswith("HS") else {"keys": everything()}
    made = [token(algorithm, PAYLOAD) for _ in range(20)]
    made += [token(algorithm, b' {"exp":1e11,\n"sub":"a", "tenantId":"t"} '), token(algorithm, PAYLOAD | {"x": "y" * 3000})]
    assert [answer.get("refused") for answer in outcomes(given, made, NOW)] == [None] * len(made)


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "HS256"])
def test_parts_that_are_missing_changed_or_too_many_refuse_a_token(algorithm):
    given = {"secret": SECRET} if algorithm.startswith("HS") else {"keys": everything()}
    right = token(algorithm, PAYLOAD)
    header, payload, signature = right.split(".")
    other = encode(json.dumps(PAYLOAD | {"sub": "mallory"}).encode())
    none = encode(json.dumps({"alg": "none", "kid": ALGORITHMS.get(algorithm, "x")}).encode())
    tokens = {
        "modified signature": f"{header}.{payload}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
        "missing signature": f"{header}.{payload}.",
        "missing signature and separator": f"{header}.{payload}",
        "modified payload": f"{header}.{other}.{signature}",
        "missing payload": f"{header}..{signature}",
        "missing payload and separator": f"{header}.{signature}",
        "missing header": f".{payload}.{signature}",
        "missing header and separator": f"{payload}.{signature}",
        "only the payload": f".{payload}.",
        "only the payload, without separators": payload,
        "nothing": "",
        "separators": "..",
        "an empty part more": right + ".",
        "a part more": right + "." + payload,
        "unsigned": f"{none}.{payload}.",
        "unsigned with the signature of another": f"{none}.{payload}.{signature}",
        "JSON serialization": json.dumps({"protected": header, "payload": payload, "signature": signature}),
        "general JSON serialization": json.dumps({"payload": payload, "signatures": [{"protected": header, "signature": signature}]}),
    }
    for place, (before, after) in {"header": (0, 1), "payload": (1, 2), "signature": (2, 3)}.items():
        for name, junk in JUNK.items():
            parts = right.split(".")
            tokens[f"{name} before the {place}"] = ".".join(parts[:before] + [junk + parts[before]] + parts[after:])
            tokens[f"{name} behind the {place}"] = ".".join(parts[:before] + [parts[before] + junk] + parts[after:])
            middle = len(parts[before]) // 2
            tokens[f"{name} in the {place}"] = ".".join(parts[:before] + [parts[before][:middle] + junk + parts[before][middle:]] + parts[after:])
    accepted = [name for name, refusal in refusals(tokens, given).items() if refusal is None]
    assert accepted == []


def test_unused_bits_of_an_encoding_are_zero():
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    tokens = {}
    for algorithm in ALGORITHMS:
        right = token(algorithm, PAYLOAD)
        if (unused := -len(right.rsplit(".", 1)[1]) % 4) == 0:
            continue
        last = alphabet.index(right[-1])
        tokens |= {f"{algorithm} {bits}": right[:-1] + alphabet[last | bits] for bits in range(1, 4 ** unused)}
    assert len(tokens) > 20
    assert set(refusals(tokens).values()) == {"signature is not canonical base64url"}
    # The same in a part that is signed as it stands.
    data = f'{encode(json.dumps({"alg": "EdDSA", "kid": "ed"}).encode())}.{encode(b"{}")[:-1]}1'
    assert decode(data.split(".")[1]) == b"{}"
    assert outcome({"keys": everything()}, f"{data}.{encode(signed('EdDSA', data.encode()))}", NOW) == "payload is not canonical base64url"


def test_a_padding_of_pkcs1_that_is_not_exact_refuses_a_signature():
    for kid in "rsa", "cubic":
        header, key = {"alg": "RS256", "kid": kid}, keys()[kid]

        def made(build, size: int = 256, **changed):
            def sign(data: bytes) -> bytes:
                message = pkcs1(build(hashlib.sha256(data).digest()), size, **changed)
                return raw(key, message.ljust(256, b"\x00"))
            return assembled(header, PAYLOAD, sign)

        assert outcome({"keys": everything()}, made(lambda digest: SHA256_INFO + digest), NOW) is None
        info = SHA256_INFO
        tokens = {
            "length of the sequence in long form": made(lambda d: b"\x30\x81\x31" + info[2:] + d),
            "length of the sequence with a leading zero": made(lambda d: b"\x30\x82\x00\x31" + info[2:] + d),
            "length of the sequence one too large": made(lambda d: b"\x30\x32" + info[2:] + d),
            "length of the sequence one too small": made(lambda d: b"\x30\x30" + info[2:] + d),
            "length that overflows 32 bits": made(lambda d: b"\x30\x85\x01\x00\x00\x00\x31" + info[2:] + d),
            "indefinite length": made(lambda d: b"\x30\x80" + info[2:] + d + b"\x00\x00"),
            "another tag for the sequence": made(lambda d: b"\x31\x31" + info[2:] + d),
            "no sequence": made(lambda d: info[2:] + d),
            "a NULL behind the sequence": made(lambda d: info + d + b"\x05\x00"),
            "a NULL in the sequence": made(lambda d: b"\x30\x33" + info[2:] + d + b"\x05\x00"),
            "inner length in long form": made(lambda d: b"\x30\x32\x30\x81\x0d" + info[4:] + d),
            "no parameters": made(lambda d: bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + d),
            "parameters that are no NULL": made(lambda d: bytes.fromhex("3031300d0609608648016503040201") + b"\x04\x00\x04\x20" + d),
            "NULL with a long length": made(lambda d: bytes.fromhex("3032300e0609608648016503040201") + b"\x05\x81\x00\x04\x20" + d),
            "another hash's name": made(lambda d: info[:14] + b"\x02" + info[15:] + d),
            "an unknown hash's name": made(lambda d: info[:14] + b"\x7f" + info[15:] + d),
            "the name in long form": made(lambda d: b"\x30\x32\x30\x0e\x06\x81\x09" + info[6:] + d),
            "the digest as a bit string": made(lambda d: info[:17] + b"\x03\x20" + d),
            "the digest's length in long form": made(lambda d: b"\x30\x32" + info[2:17] + b"\x04\x81\x20" + d),
            "the digest without its name": made(lambda d: d),
            "the digest one byte short": made(lambda d: b"\x30\x30" + info[2:17] + b"\x04\x1f" + d[:31]),
            "the digest one byte long": made(lambda d: b"\x30\x32" + info[2:17] + b"\x04\x21" + d + b"\x00"),
            "no digest": made(lambda d: info[:17] + b"\x04\x00"),
            "nothing": made(lambda d: b""),
            "SHA-1": made(lambda d: bytes.fromhex("3021300906052b0e03021a05000414") + d[:20]),
            "block type 0": made(lambda d: info + d, first=b"\x00\x00", fill=b"\x00", separator=b"\x00"),
            "block type 2": made(lambda d: info + d, first=b"\x00\x02", fill=b"\xaa"),
            "a first byte that is not 0": made(lambda d: info + d, first=b"\x01\x01"),
            "padding of other bytes": made(lambda d: info + d, fill=b"\xfe"),
            "padding of zeros": made(lambda d: info + d, fill=b"\x00"),
            "no separator": made(lambda d: info + d, separator=b""),
            "another separator": made(lambda d: info + d, separator=b"\x01"),
            "a short padding and garbage": made(lambda d: info + d, size=100),
            "a padding of 8 bytes and garbage": made(lambda d: info + d, size=62),
        }
        assert set(refusals(tokens).values()) == {WRONG}, refusals(tokens)


def test_a_cube_root_is_no_signature():
    """What a verifier takes with e = 3 that looks only at the beginning of the message."""
    def sign(data: bytes) -> bytes:
        start = pkcs1(SHA256_INFO + hashlib.sha256(data).digest(), 62).ljust(256, b"\x00")
        low, high = 0, 1 << 700
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if middle ** 3 < int.from_bytes(start, "big") else (low, middle)
        return number(low, 256)

    assert outcome({"keys": everything()}, assembled({"alg": "RS256", "kid": "cubic"}, PAYLOAD, sign), NOW) == WRONG


def test_a_padding_of_pss_that_is_not_exact_refuses_a_signature():
    key = keys()["rsa"]
    modulus = key.private_numbers().public_numbers.n

    def made(change=lambda signature: signature, alg: str = "PS256", **changed):
        return assembled({"alg": alg, "kid": "rsa"}, PAYLOAD, lambda data: change(raw(key, pss(data, **changed))))

    right = {"right": made(), "a salt of zeros": made(salt=bytes(32)), "a salt of ones": made(salt=b"\xff" * 32)}
    assert set(refusals(right).values()) == {None}
    tokens = {f"a salt of {length} bytes": made(salt=b"s" * length) for length in (0, 1, 20, 31, 33, 48, 64, 222)}
    tokens |= {
        "another trailer": made(trailer=b"\xcc"), "a trailer of zero": made(trailer=b"\x00"),
        "another separator": made(separator=b"\x02"), "no separator": made(separator=b"\x00"),
        "a filler that is not zero": made(filler=b"\x01"), "another prefix": made(prefix=b"\x00" * 7 + b"\x01"),
        "SHA-384 in MGF1": made(mgf="sha384"), "SHA-1 in MGF1": made(mgf="sha1"),
        "SHA-384 over the message": made(digest="sha384", mgf="sha384", salt=b"s" * 48),
        "zero": made(lambda signature: bytes(256)), "one": made(lambda signature: number(1, 256)),
        "the modulus": made(lambda signature: number(modulus, 256)), "the modulus less one": made(lambda signature: number(modulus - 1, 256)),
        "zeros before": made(lambda signature: b"\x00\x00" + signature), "zeros behind": made(lambda signature: signature + b"\x00\x00"),
        "truncated": made(lambda signature: signature[:-1]), "empty": made(lambda signature: b""),
        "for PS384": made(alg="PS384"), "for RS256": made(alg="RS256"),
    }
    for _ in range(200):
        # Signatures below 2^2048 - n have a second form that is not reduced.
        candidate = made(lambda signature: signature, salt=number(_, 32))
        data, signature = candidate.rsplit(".", 1)
        value = int.from_bytes(decode(signature), "big") + modulus
        if value < 1 << 2048:
            tokens["not reduced"] = f"{data}.{encode(number(value, 256))}"
            break
    assert set(refusals(tokens).values()) == {WRONG}, refusals(tokens)


ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
}


@pytest.mark.parametrize("algorithm", ORDERS)
def test_an_ecdsa_signature_has_one_form(algorithm):
    order, key = ORDERS[algorithm], keys()[ALGORITHMS[algorithm]]
    size = key.key_size // 8
    tokens = {}

    def made(name, change):
        def sign(data: bytes) -> bytes:
            whole = signed(algorithm, data)
            return change(int.from_bytes(whole[:size], "big"), int.from_bytes(whole[size:], "big"))
        tokens[name] = assembled({"alg": algorithm, "kid": ALGORITHMS[algorithm]}, PAYLOAD, sign)

    for left in 0, 1, order - 1, order, order + 1, (1 << 8 * size) - 1:
        for right in 0, 1, order - 1, order, order + 1, (1 << 8 * size) - 1:
            made(f"r {left:x}, s {right:x}", lambda r, s, left=left, right=right: number(left, size) + number(right, size))
        made(f"r {left:x}", lambda r, s, left=left: number(left, size) + number(s, size))
        made(f"s {left:x}", lambda r, s, left=left: number(r, size) + number(left, size))
    made("each with a leading zero", lambda r, s: number(r, size + 1) + number(s, size + 1))
    made("r plus the order", lambda r, s: number(r + order, size + 1) + number(s, size + 1))
    made("s plus the order", lambda r, s: number(r, size + 1) + number(s + order, size + 1))
    made("a zero behind", lambda r, s: number(r, size) + number(s, size) + b"\x00")
    made("a zero before", lambda r, s: b"\x00" + number(r, size) + number(s, size))
    made("in DER", lambda r, s: utils.encode_dss_signature(r, s))
    made("in DER, cut to length", lambda r, s: utils.encode_dss_signature(r, s)[:2 * size])
    made("swapped", lambda r, s: number(s, size) + number(r, size))
    made("negative s", lambda r, s: number(r, size) + number((-s) % (1 << 8 * size), size))
    made("nothing", lambda r, s: b"")
    made("only r", lambda r, s: number(r, size))
    made("very long", lambda r, s: bytes(1000))
    assert set(refusals(tokens).values()) == {WRONG}, refusals(tokens)
    # Both of s and the order less s are right, and libraries make either.
    tokens.clear()
    made("right", lambda r, s: number(r, size) + number(s, size))
    made("the other s", lambda r, s: number(r, size) + number(order - s, size))
    assert set(refusals(tokens).values()) == {None}


def test_a_public_key_is_nobodys_secret():
    tokens = {}
    for kid, key in keys().items():
        public = key.public_key()
        formats = {"SPKI": serialization.PublicFormat.SubjectPublicKeyInfo}
        if isinstance(key, rsa.RSAPrivateKey):
            formats["PKCS1"] = serialization.PublicFormat.PKCS1
        forms = {
            f"{name} in {encoding}": public.public_bytes(getattr(serialization.Encoding, encoding), form)
            for encoding in ("PEM", "DER") for name, form in formats.items()
        }
        members = jwk(key)
        forms |= {f"member {name}": decode(members[name]) for name in ("n", "x", "y") if name in members}
        forms |= {"text of PEM without its end": forms["SPKI in PEM"].strip(), "JWK": json.dumps(members).encode()}
        if isinstance(key, ec.EllipticCurvePrivateKey):
            forms["point"] = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        for algorithm in "HS256", "HS384", "HS512":
            for name, form in forms.items():
                tokens[f"{kid} {algorithm} {name}"] = token(algorithm, PAYLOAD, {"alg": algorithm, "kid": kid}, key=form)
                tokens[f"{kid} {algorithm} {name} without kid"] = token(algorithm, PAYLOAD, {"alg": algorithm}, key=form)
    assert set(refusals(tokens).values()) == {"algorithm not allowed for the key"}


def test_a_token_brings_no_key_of_its_own():
    attacker = ec.generate_private_key(ec.SECP256R1())
    own = jwk(attacker, kid="p256")
    tokens = {
        f"{name} {kid}": token("ES256", PAYLOAD, {"alg": "ES256", name: value} | ({"kid": kid} if kid else {}), key=attacker)
        for name, value in {"jwk": own, "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x", "x5c": ["MIIB"]}.items()
        for kid in ("p256", "evil", None)
    }
    reasons = refusals(tokens)
    assert all(reasons[name] == f"header {name.split()[0]} is missing, wrong or not allowed" for name in tokens), reasons


@pytest.mark.parametrize("members, reason", [
    ({"use": "enc"}, "not for signatures"), ({"alg": "RSA1_5"}, "algorithm unknown or not of this kind of key"),
    ({"alg": "ES256"}, "algorithm unknown or not of this kind of key"), ({"alg": "HS256"}, "algorithm unknown or not of this kind of key"),
    ({"kty": "EC"}, "member crv is missing or wrong"), ({"kty": "oct"}, "a shared secret, which only a file may hold"),
    ({"key_ops": ["sign"]}, "not for verifying"), ({"e": "AQ"}, "RSA with an exponent that is not allowed"),
    ({"e": None}, "member e is missing or wrong"), ({"d": "AQAB"}, "has its private part: replace this key, which is no longer secret"),
])
def test_a_key_that_must_not_be_used_verifies_nothing(members, reason):
    key = keys()["rsa"]
    given = {"keys": document(jwk(key, **({"kid": "rsa"} | members)))}
    answers = exchange([given, {"token": token("RS256", PAYLOAD), "now": int(NOW * 1000)}])
    assert answers[0] == {"keys": 0, "ignored": [reason]}
    assert answers[1]["refused"] == "unknown key"


def test_weak_and_foreign_keys_verify_nothing():
    weak = rsa.generate_private_key(65537, 1024)
    given = {"keys": document(jwk(weak, kid="rsa"))}
    assert outcome(given, token("RS256", PAYLOAD, key=weak), NOW) == "unknown key"
    foreign = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1())}
    assert set(refusals({name: token(name, PAYLOAD, key=key) for name, key in foreign.items()}).values()) == {WRONG}


@pytest.mark.parametrize("algorithm, limit", [("HS256", 10), ("RS256", 60), ("ES256", 60)])
def test_verifying_costs_little(algorithm, limit, capsys):
    """Five times what it may cost on a machine that does nothing else: this finds what got slow, not what got slower."""
    given = {"secret": SECRET} if algorithm.startswith("HS") else {"keys": everything()}
    made = token(algorithm, PAYLOAD)
    costs = [answer["cpu"] / 1000 for answer in outcomes(given, [made] * 10, NOW, times=200)]
    with capsys.disabled():
        print(f"\n{algorithm}: {min(costs):.1f} µs of a processor for each token")
    assert min(costs) <= 5 * limit
