"""One packaged function under the Lambda Runtime API, and an AWS whose every answer is the test's."""

import json
import ssl
import subprocess
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue

from deployment import DIST
from server import environment

PATIENCE = 20


class _Server:
    def __init__(self, handler, tls: ssl.SSLContext | None = None):
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if tls:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.http.daemon_threads = True
        self.address = f"127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes = b"", **fields: str):
        self.send_response_only(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Function:
    """A running bootstrap. `settings` are its environment; `seconds` how long an invocation may take."""

    def __init__(self, handler: str, seconds: float = 10, **settings: str):
        self.handler, self.seconds = handler, seconds
        self.settings = {
            "MUSTER_TABLE": "muster", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_LAMBDA_FUNCTION_NAME": handler, "WEBSOCKET_ENDPOINT": "http://127.0.0.1:9/live",
            "MUSTER_JWT_SECRET": "a secret of the length that it must have"} | settings
        self.events: Queue[tuple[str, bytes]] = Queue()
        self.answers: Queue[tuple[str, dict]] = Queue()

    def __enter__(self) -> "Function":
        function = self

        class Runtime(_Handler):
            def do_GET(self):
                import time

                identifier, event = function.events.get()
                deadline = str(int((time.time() + function.seconds) * 1000))
                self.answer(200, event, **{
                    "Lambda_Runtime_Aws_Request_Id": identifier, "Lambda_Runtime_Deadline_Ms": deadline,
                    "Lambda_Runtime_Trace_Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"})

            def do_POST(self):
                function.answers.put((self.path.rpartition("/")[2], json.loads(self.body() or b"null")))
                self.answer(202, b"{}")

        self.runtime = _Server(Runtime)
        settings = environment(**self.settings, AWS_LAMBDA_RUNTIME_API=self.runtime.address, AWS_EC2_METADATA_DISABLED="true")
        self.process = subprocess.Popen(
            [DIST / self.handler / "bootstrap"], env={name: value for name, value in settings.items() if value != ""},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return self

    def __exit__(self, *_):
        self.end()
        self.runtime.close()

    def end(self) -> str:
        """Ends the function; everything it has printed."""
        if not hasattr(self, "printed"):
            self.process.kill()
            self.printed = "".join(each.decode() for each in self.process.communicate())
        return self.printed

    def invoke(self, event) -> tuple[str, dict]:
        """`response` and what it says, or `error` and why."""
        self.events.put((str(uuid.uuid4()), json.dumps(event).encode()))
        return self.answers.get(timeout=PATIENCE)

    def lines(self) -> list[dict]:
        """What it logged, once it has ended; metrics among it."""
        return [json.loads(line) for line in self.end().splitlines()]


class FakeAWS:
    """Answers each call of a service with what `script` makes of its operation and how often that came: status, body, fields."""

    def __init__(self, script, tls: ssl.SSLContext | None = None):
        self.calls: list[tuple[str, dict, dict]] = []
        # Whether a connection ends after its answer, without having said so.
        self.closes = False
        aws = self

        class Service(_Handler):
            def do_POST(self):
                operation = self.headers.get("X-Amz-Target", self.path).rpartition(".")[2]
                body = self.body()
                aws.calls.append((operation, dict(self.headers), json.loads(body) if body.startswith(b"{") else {}))
                status, answer, fields = script(operation, sum(name == operation for name, _, _ in aws.calls))
                self.close_connection = aws.closes
                self.answer(status, json.dumps(answer).encode(), **fields)

            do_DELETE = do_POST

        self.server = _Server(Service, tls)
        self.endpoint = f"https://localhost:{self.server.http.server_address[1]}" if tls else f"http://{self.server.address}"

    def __enter__(self) -> "FakeAWS":
        return self

    def __exit__(self, *_):
        self.server.close()


def refusal(code: str, message: str = "because", status: int = 400, **fields: str):
    return status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}, fields
