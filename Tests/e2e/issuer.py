"""Who signs tokens with keys that only they have, and publishes what verifies them."""

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

MAKE = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048), "PS512": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()), "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate}


class Key:
    """One key; `jwk` is its public half."""

    def __init__(self, name: str, algorithm: str = "ES256"):
        self.name, self.algorithm = name, algorithm
        self.private = MAKE[algorithm]()
        kind = {"E": ECAlgorithm, "R": RSAAlgorithm, "P": RSAAlgorithm}[algorithm[0]] if algorithm != "EdDSA" else OKPAlgorithm
        self.jwk = kind.to_jwk(self.private.public_key(), as_dict=True) | {"kid": name, "use": "sig", "alg": algorithm}
        self.jwk.pop("key_ops", None)

    def token(self, user: str, tenant: str = "acme", *, expires: float = 7200, kid: str | None = "", **claims) -> str:
        headers = {} if kid is None else {"kid": kid or self.name}
        everything = {"sub": user, "tenantId": tenant, "exp": int(time.time() + expires)} | claims
        return jwt.encode(everything, self.private, self.algorithm, headers=headers)


def document(*keys) -> bytes:
    return json.dumps({"keys": [key.jwk if isinstance(key, Key) else key for key in keys]}).encode()


class Issuer:
    """Publishes its keys on loopback, or answers as a test says; `asked` are the targets it was asked for."""

    def __init__(self, *keys: Key, tls: ssl.SSLContext | None = None):
        self.asked: list[str] = []
        self.publish(*keys)
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                issuer.asked.append(self.path)
                status, body, fields = issuer.answer
                self.send_response_only(status)
                length = {} if "Transfer-Encoding" in fields else {"Content-Length": str(len(body))}
                for name, value in (length | fields).items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # It had seen enough.

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *_: None  # A handshake that failed is what the other side reports.
        if tls:
            # Not in the thread that accepts: a client that never speaks would hold up all others.
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.http.server_address[1]
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}/keys"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> "Issuer":
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def publish(self, *keys):
        self.respond(200, document(*keys))

    def respond(self, status: int, body: bytes = b"", **fields: str):
        self.answer = status, body, fields


class File:
    """The same in a file."""

    def __init__(self, path: Path, *keys: Key):
        self.path = path
        self.publish(*keys)

    def publish(self, *keys):
        self.path.write_bytes(document(*keys))
