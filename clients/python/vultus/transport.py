"""HTTP with a deadline for the whole request. httpx has time-outs for single reads only, so a service that sends a byte
a second would never time out. The synchronous client reads and writes through a network backend of httpcore that checks
the deadline each time; asyncio has deadlines itself."""
from __future__ import annotations

import contextlib
import contextvars
import os
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, Union

import httpcore
import httpx

from . import steps
from .errors import InvalidArgument

# See Client. A path is that of a file with certificates.
Verify = Union[bool, str, "os.PathLike[str]", ssl.SSLContext]
WRITE_BYTES = 65_536                        # between two checks of the deadline

_end: contextvars.ContextVar[float | None] = contextvars.ContextVar("end", default=None)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Sending and receiving by this thread inside the block raises ReadTimeout after so many seconds."""
    before = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(before)


def left(timeout: float | None) -> float | None:
    end = _end.get()
    if end is None:
        return timeout
    rest = end - time.monotonic()
    if rest <= 0:
        raise httpcore.ReadTimeout("the whole answer did not come in time")
    return rest if timeout is None else min(rest, timeout)


class TimedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for begin in range(0, len(buffer), WRITE_BYTES):
            self._inner.write(buffer[begin:begin + WRITE_BYTES], left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore.NetworkStream:
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[Any] | None = None) -> httpcore.NetworkStream:
        return TimedStream(self._inner.connect_tcp(host, port, left(timeout), local_address, socket_options))

    def connect_unix_socket(self, path: str, timeout: float | None = None,
                            socket_options: Iterable[Any] | None = None) -> httpcore.NetworkStream:
        return TimedStream(self._inner.connect_unix_socket(path, left(timeout), socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


@contextlib.contextmanager
def as_httpx() -> Iterator[None]:
    """Maps the errors of httpcore to those of the same name in httpx."""
    try:
        yield
    except Exception as failure:
        kind = getattr(httpx, type(failure).__name__, None)
        if type(failure).__module__.startswith("httpcore") and isinstance(kind, type):
            raise kind(str(failure)) from failure
        raise


class Body(httpx.SyncByteStream):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        with as_httpx():
            yield from self._inner

    def close(self) -> None:
        self._inner.close()


def context_of(verify: Verify) -> ssl.SSLContext:
    """How certificates are checked: True: by the authorities of the system; a path: by this file; False: not at all."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    if isinstance(verify, bool):
        return httpx.create_ssl_context(verify=verify)
    made = ssl.create_default_context(cafile=os.fspath(verify))
    return made


class TimedTransport(httpx.BaseTransport):
    def __init__(self, verify: Verify = True) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=context_of(verify), max_connections=100,
                                             max_keepalive_connections=20, keepalive_expiry=5.0,
                                             network_backend=TimedBackend())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port,
                           target=request.url.raw_path)
        wanted = httpcore.Request(request.method, url, headers=request.headers.raw, content=request.stream,
                                  extensions=request.extensions)
        with as_httpx():
            answer = self._pool.handle_request(wanted)
        return httpx.Response(answer.status, headers=answer.headers, stream=Body(answer.stream),
                              extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


def environment() -> dict[str, str]:
    """Arguments of a client from the environment. The key is read where it is missing (steps.headers_of)."""
    names = {"url": "VULTUS_URL", "collection": "VULTUS_COLLECTION", "verify": "VULTUS_CA"}
    return {name: os.environ[variable] for name, variable in names.items() if os.environ.get(variable)}


C = TypeVar("C", httpx.Client, httpx.AsyncClient)


def opened(kind: type[C], url: str, key: str | None, transport: Any, verify: Verify = True) -> C:
    """Makes the httpx client; `transport` may be a class that takes `verify`. Raises InvalidArgument for invalid
    arguments."""
    base, headers = steps.base_of(url), steps.headers_of(key)
    try:
        if transport is None:
            return kind(base_url=base, headers=headers, verify=context_of(verify))
        made = transport(verify) if isinstance(transport, type) else transport
        return kind(base_url=base, headers=headers, transport=made)
    except (httpx.InvalidURL, ValueError, TypeError, ImportError, OSError) as failure:  # proxies, certificates
        raise InvalidArgument(f"no client for {url}: {failure}") from failure


def request_for(http: httpx.Client | httpx.AsyncClient, call: steps.Call, waits: steps.Waits) -> httpx.Request:
    """Raises InvalidArgument for arguments that cannot be sent, such as a name that is not valid Unicode."""
    if http.is_closed:
        raise InvalidArgument("the client is closed")
    try:
        return http.build_request(**steps.request_of(call, waits.timeout_s))
    except (ValueError, TypeError, httpx.InvalidURL) as failure:
        raise InvalidArgument(f"{call.method} {call.path} cannot be sent: {failure}") from failure
