"""Signs tokens as no honest issuer would: any header, any payload, and signatures made by hand where a library refuses to."""

import base64
import functools
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

SECRET = "0123456789abcdef0123456789abcdef-of-a-test-0123456789abcdef0123456789"
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@functools.cache
def keys() -> dict:
    """The private keys of a run, by their `kid`."""
    return {
        "rsa": rsa.generate_private_key(65537, 2048),
        "cubic": rsa.generate_private_key(3, 2048),
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()),
        "ed": ed25519.Ed25519PrivateKey.generate(),
    }


ALGORITHMS = {name: "rsa" for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")}
ALGORITHMS |= {"ES256": "p256", "ES384": "p384", "EdDSA": "ed"}


def jwk(key, **members) -> dict:
    """The public part of a key, with members more; one of None is left out."""
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = public.public_numbers()
        own = {"kty": "RSA", "n": encode(number(numbers.n)), "e": encode(number(numbers.e))}
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        numbers, size = public.public_numbers(), key.key_size // 8
        own = {"kty": "EC", "crv": f"P-{key.key_size}", "x": encode(number(numbers.x, size)), "y": encode(number(numbers.y, size))}
    else:
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        own = {"kty": "OKP", "crv": "Ed25519", "x": encode(raw)}
    return {name: value for name, value in (own | members).items() if value is not None}


def document(*jwks: dict) -> str:
    return json.dumps({"keys": list(jwks)})


def everything() -> str:
    """A set of all keys."""
    return document(*(jwk(key, kid=kid) for kid, key in keys().items()))


def number(value: int, size: int = 0) -> bytes:
    return value.to_bytes(size or max(1, (value.bit_length() + 7) // 8), "big")


def signed(algorithm: str, data: bytes, key=None) -> bytes:
    """A signature as the algorithm has it, by its own key or another of the same kind; for HS* the key is bytes."""
    if algorithm.startswith("HS"):
        return hmac.new(SECRET.encode() if key is None else key, data, f"sha{algorithm[2:]}").digest()
    key = keys()[ALGORITHMS[algorithm]] if key is None else key
    if algorithm == "EdDSA":
        return key.sign(data)
    digest = HASHES[algorithm[2:]]()
    if algorithm.startswith("ES"):
        size = key.key_size // 8
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        return number(r, size) + number(s, size)
    scheme = padding.PKCS1v15() if algorithm.startswith("RS") else padding.PSS(padding.MGF1(digest), digest.digest_size)
    return key.sign(data, scheme, digest)


def raw(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    """The private RSA operation on a message with a padding of its own."""
    private = key.private_numbers()
    return number(pow(int.from_bytes(message, "big"), private.d, private.public_numbers.n), key.key_size // 8)


def assembled(header: dict | bytes, payload: dict | bytes, sign) -> str:
    """A token whose signature is what `sign` makes of its first two parts."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    data = ".".join(encode(part) for part in parts)
    return f"{data}.{encode(sign(data.encode()))}"


def token(algorithm: str, payload: dict | bytes, header: dict | bytes | None = None, key=None) -> str:
    """A token signed by the algorithm; the header is the right one unless given."""
    if header is None:
        header = {"alg": algorithm, "typ": "JWT"} | ({"kid": ALGORITHMS[algorithm]} if algorithm in ALGORITHMS else {})
    return assembled(header, payload, lambda data: signed(algorithm, data, key))


# The start of a DigestInfo of SHA-256 (RFC 8017 section 9.2, note 1).
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def pkcs1(info: bytes, size: int = 256, first: bytes = b"\x00\x01", fill: bytes = b"\xff", separator: bytes = b"\x00") -> bytes:
    """A message padded as RSASSA-PKCS1-v1_5 has it, or nearly."""
    return first + fill * ((size - len(first) - len(separator) - len(info)) // len(fill)) + separator + info


def mask(seed: bytes, length: int, digest: str = "sha256") -> bytes:
    """MGF1."""
    blocks = (hashlib.new(digest, seed + counter.to_bytes(4, "big")).digest() for counter in range(length // 20 + 1))
    return b"".join(blocks)[:length]


def pss(data: bytes, size: int = 256, salt: bytes = b"s" * 32, digest: str = "sha256", mgf: str = "sha256", **changed) -> bytes:
    """A message padded as RSASSA-PSS has it, or nearly: `trailer`, `separator`, `filler` and `prefix` can be given."""
    prefix, separator, filler = changed.get("prefix", bytes(8)), changed.get("separator", b"\x01"), changed.get("filler", b"\x00")
    hashed = hashlib.new(digest, prefix + hashlib.new(digest, data).digest() + salt).digest()
    length = size - len(hashed) - 1
    block = filler * (length - len(salt) - 1) + separator + salt
    masked = bytearray(a ^ b for a, b in zip(block, mask(hashed, length, mgf)))
    masked[0] &= 0x7F
    return bytes(masked) + hashed + changed.get("trailer", b"\xbc")
