"""A small HTTP/1.1 client on asyncio: kept-alive requests and server-sent events. Speaks to our own
nodes on loopback only, so that hundreds of connections cost one thread."""
import asyncio
import json

REQUEST_SECONDS = 30
READ_LIMIT = 1 << 20  # longest line of an answer


class HttpError(OSError):
    """The node did not answer, or not with HTTP."""


class Client:
    """One kept-alive connection to one node; requests on it go one after the other."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self._reader = self._writer = None
        self._lock = asyncio.Lock()

    async def request(self, method, path, value=None, seconds=REQUEST_SECONDS):
        """Returns (status, body). A request is sent once: whether one that got no answer was
        carried out is for the caller to wonder about."""
        async with self._lock:
            try:
                return await asyncio.wait_for(self._exchange(method, path, value), seconds)
            except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
                self.close()
                raise HttpError(f"{method} {path} at {self.endpoint}: {error!r}") from error
            except asyncio.CancelledError:
                self.close()  # its answer would be taken for the next request's
                raise

    async def get_json(self, path, **options):
        status, body = await self.request("GET", path, **options)
        if status != 200:
            raise HttpError(f"GET {path} at {self.endpoint}: {status} {body[:200]!r}")
        return json.loads(body)

    async def _exchange(self, method, path, value):
        if self._writer is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await connect(self.endpoint)
        self._writer.write(format_request(method, path, self.endpoint, value))
        await self._writer.drain()
        status, headers = await read_head(self._reader)
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = await self._read_chunks()
        else:
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, body

    async def _read_chunks(self):
        parts = []
        while size := int(await self._reader.readline(), 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readline()
        await self._reader.readline()
        return b"".join(parts)

    def close(self):
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def connect(endpoint):
    host, _, port = endpoint.rpartition(":")
    return await asyncio.open_connection(host.strip("[]"), int(port), limit=READ_LIMIT)


def format_request(method, path, host, value):
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
    body = b""
    if value is not None:
        body = json.dumps(value).encode()
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def read_head(reader):
    line = await reader.readline()
    if not line.startswith(b"HTTP/1."):
        raise EOFError(f"no answer: {line[:80]!r}")
    status = int(line.split(None, 2)[1])
    headers = {}
    while (line := await reader.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return status, headers


async def stream_events(endpoint, path, on_open=None):
    """Yield (event, data) of a server-sent event stream, data decoded from JSON, until the node
    ends it. `on_open` is called once the node has answered: events from then on are not missed."""
    reader, writer = await connect(endpoint)
    try:
        writer.write(format_request("GET", path, endpoint, None))
        status, headers = await read_head(reader)
        if status != 200:
            raise HttpError(f"GET {path} at {endpoint}: {status}")
        if on_open:
            on_open()
        chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        kind, data, pending = None, [], b""
        while True:
            piece = await (read_chunk(reader) if chunked else reader.read(65536))
            if not piece:
                return
            *lines, pending = (pending + piece).split(b"\n")
            for line in lines:
                line = line.rstrip(b"\r")
                if line.startswith(b"event:"):
                    kind = line[6:].strip().decode()
                elif line.startswith(b"data:"):
                    data.append(line[5:].strip())
                elif not line:
                    if data:
                        yield kind, json.loads(b"\n".join(data))
                    kind, data = None, []
    finally:
        writer.close()


async def read_chunk(reader):
    line = await reader.readline()
    if not line:
        return b""
    piece = await reader.readexactly(int(line, 16))
    await reader.readline()
    return piece
