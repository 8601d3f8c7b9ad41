"""Proxies in front of a server: one that mistreats message frames and keeps count of it, one that ends TLS."""

import asyncio
import ssl
import subprocess
import threading
from pathlib import Path


class Proxy:
    """Listens on a free loopback port in a thread of its own and passes bytes on to `port`."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None):
        self.target, self.tls = port, tls
        self.loop = asyncio.new_event_loop()
        self.tasks: set[asyncio.Task] = set()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,))
        self.thread.start()
        assert ready.wait(5)

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._accepted, "127.0.0.1", 0, ssl=self.tls, backlog=512))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()
        server.close()
        for task in self.tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*self.tasks, return_exceptions=True))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def _accepted(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            await asyncio.gather(self._pass(reader, downstream), self.backward(upstream, writer))
        except OSError:
            pass
        finally:
            for stream in (writer, downstream):
                stream.close()
            for stream in (writer, downstream):
                try:
                    await stream.wait_closed()
                except OSError:
                    pass

    async def _pass(self, reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def backward(self, reader, writer):
        await self._pass(reader, writer)
        # The client has nothing more to say to who is gone.
        writer.close()


class FaultyProxy(Proxy):
    """Of the message frames to all clients together: drops, doubles and swaps every so many-th one; 0: none."""

    def __init__(self, port: int, drop: int = 0, double: int = 0, swap: int = 0):
        self.every = {"drop": drop, "double": double, "swap": swap}
        self.done = dict.fromkeys(self.every, 0)
        self.messages = 0
        super().__init__(port)

    async def backward(self, reader, writer):
        writer.write(await reader.readuntil(b"\r\n\r\n"))
        held = None
        try:
            while True:
                head = await reader.readexactly(2)
                length = head[1]
                if length >= 126:
                    extended = await reader.readexactly(2 if length == 126 else 8)
                    head, length = head + extended, int.from_bytes(extended, "big")
                payload = await reader.readexactly(length)
                frame = head + payload
                if not payload.startswith(b'{"type":"message"'):
                    writer.write(frame)
                elif held is not None:
                    writer.write(frame + held)
                    held = None
                else:
                    self.messages += 1
                    fault = next((name for name, every in self.every.items() if every and self.messages % every == 0), None)
                    if fault:
                        self.done[fault] += 1
                    if fault == "swap":
                        held = frame
                    elif fault != "drop":
                        writer.write(frame * 2 if fault == "double" else frame)
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """An authority of our own, and a server context for `localhost` that it vouches for."""
    def openssl(*arguments: str):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=a test's authority")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return folder / "ca.pem", context
