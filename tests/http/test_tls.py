from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import anyio
import pytest
import trustme
from anyio.streams.tls import TLSAttribute

from headroom.errors import Garbled, SettingsError, Unreachable
from headroom.http.client import Client
from headroom.http.tls import Trust
from tests.http.upstream import Line, Upstream, always, client, post, text, then_close, upstream

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
LONG_AGO = datetime(2001, 1, 1, tzinfo=timezone.utc)
FAR_OFF = datetime(2999, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "roots.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def server(
    authority: trustme.CA, name: str = "127.0.0.1", not_before: datetime | None = None, not_after: datetime | None = None
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_before=not_before, not_after=not_after).configure_cert(context)
    return context


async def test_a_bundle_is_trusted_and_connections_are_used_again(authority: trustme.CA, bundle: str) -> None:
    async with upstream(always(OK), server(authority)) as there, client(ca=bundle) as ours:
        handler = ours.to(there.url())
        for _ in range(3):
            assert await text(handler) == b"hello"
        assert len(there.lines) == 1


async def test_http_1_1_is_agreed_on_and_nothing_older_than_tls_1_2(authority: trustme.CA, bundle: str) -> None:
    context = server(authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    spoken: list[tuple[str | None, str | None]] = []

    async def script(line: Line) -> None:
        tls = line.stream.extra(TLSAttribute.ssl_object)
        spoken.append((tls.selected_alpn_protocol(), tls.version()))
        await line.request()
        await line.say(OK)

    async with upstream(script, context) as there, client(ca=bundle) as ours:
        await text(ours.to(there.url()))
    assert spoken == [("http/1.1", "TLSv1.3")]
    assert Trust().load().minimum_version is ssl.TLSVersion.TLSv1_2


async def test_large_bodies_both_ways(authority: trustme.CA, bundle: str) -> None:
    body = bytes(range(256)) * 8192

    async def script(line: Line) -> None:
        _, _, sent = (await line.request()).partition(b"\r\n\r\n")
        assert sent == body
        await line.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(sent), sent))
        await line.gone()

    async with upstream(script, server(authority)) as there, client(ca=bundle) as ours:
        assert await text(ours.to(there.url()), post(body)) == body
        assert ours.idle == 1


async def test_an_early_answer_is_not_lost(authority: trustme.CA, bundle: str) -> None:
    async def script(line: Line) -> None:
        while b"\r\n\r\n" not in line.held:
            await line.more()
        await line.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge")
        await line.gone()

    async with upstream(script, server(authority)) as there, client(ca=bundle) as ours:
        assert await text(ours.to(there.url()), post(bytes(8 << 20))) == b"large"


async def test_records_on_an_idle_connection_are_never_taken_for_an_answer(authority: trustme.CA, bundle: str) -> None:
    spoke = anyio.Event()

    async def script(line: Line) -> None:
        await line.request()
        await line.say(OK)
        if line.number == 1:
            await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
            spoke.set()
        await line.gone()

    async with upstream(script, server(authority)) as there, client(ca=bundle) as ours:
        handler = ours.to(there.url())
        assert await text(handler) == b"hello"
        await spoke.wait()
        assert await text(handler) == b"hello"


async def test_a_connection_cut_off_without_goodbye_is_no_end_of_an_answer(authority: trustme.CA, bundle: str) -> None:
    answer = then_close(b"HTTP/1.1 200 OK\r\n\r\nhello")
    async with upstream(answer, server(authority)) as there, client(ca=bundle) as ours:
        with pytest.raises(Garbled, match="broke"):
            await text(ours.to(there.url()))


async def test_a_goodbye_is(authority: trustme.CA, bundle: str) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await _goodbye(line)

    async with upstream(script, server(authority)) as there, client(ca=bundle) as ours:
        assert await text(ours.to(there.url())) == b"hello"


async def _goodbye(line: Line) -> None:
    with anyio.move_on_after(1):
        await line.stream.unwrap()  # type: ignore[union-attr]  # it is a TLSStream


async def fails(ours: Client, there: Upstream, host: str = "127.0.0.1") -> str:
    with pytest.raises(Unreachable) as raised:
        await ours.to(there.url(host))(post(b"SECRET"))
    assert "SECRET" not in raised.value.message
    assert ours.open == 0
    return raised.value.message


UNTRUSTED: dict[str, tuple[Callable[[trustme.CA], ssl.SSLContext], bool, str]] = {
    "expired": (lambda ca: server(ca, not_before=LONG_AGO, not_after=datetime(2002, 1, 1, tzinfo=timezone.utc)), True, "has expired"),
    "not valid yet": (lambda ca: server(ca, not_before=datetime(2998, 1, 1, tzinfo=timezone.utc), not_after=FAR_OFF), True, "not valid yet"),
    "another host": (lambda ca: server(ca, "api.example.com"), True, "for another host"),
    "unknown authority": (lambda ca: server(trustme.CA()), True, "--ca-bundle names further authorities"),
    "not among the system's": (server, False, "--ca-bundle names further authorities"),
}


@pytest.mark.parametrize("name", UNTRUSTED)
async def test_who_cannot_be_trusted_gets_nothing_and_the_cause_is_told(name: str, authority: trustme.CA, bundle: str) -> None:
    context, with_bundle, told = UNTRUSTED[name]
    got: list[bytes] = []

    async def script(line: Line) -> None:
        got.append(await line.request())

    async with upstream(script, context(authority)) as there, client(ca=bundle if with_bundle else "") as ours:
        assert told in await fails(ours, there)
    assert not any(got)


@pytest.mark.parametrize(
    ("said", "told"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS"), (b"", "closed during the TLS handshake")]
)
async def test_who_does_not_speak_tls(bundle: str, said: bytes, told: str) -> None:
    async def script(line: Line) -> None:
        await line.more()
        if said:
            await line.say(said)
            await line.gone()

    async with upstream(script) as there, client(ca=bundle) as ours:
        there.scheme = "https"
        assert told in await fails(ours, there)


async def test_through_a_tunnel(authority: trustme.CA, bundle: str) -> None:
    """The proxy passes on what it cannot read; the name is checked against the origin, not the proxy."""
    async with upstream(always(OK), server(authority, "api.example.com")) as there:

        async def proxy(line: Line) -> None:
            asked.append(await line.request())
            await line.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with await anyio.connect_tcp("127.0.0.1", there.port) as onward, anyio.create_task_group() as both:

                async def back() -> None:
                    async for data in onward:
                        await line.say(data)

                both.start_soon(back)
                while await line.more():
                    await onward.send(line.held)
                    line.held = b""
                both.cancel_scope.cancel()

        asked: list[bytes] = []
        async with upstream(proxy) as between, client(ca=bundle, environ={"https_proxy": between.url()}) as ours:
            handler = ours.to("https://api.example.com")
            assert await text(handler) == b"hello"
            assert await text(handler) == b"hello"
            assert asked == [b"CONNECT api.example.com:443 HTTP/1.1\r\nhost: api.example.com:443\r\n\r\n"]
            assert "for another host" in await _refused(ours, "https://other.example.com")


async def _refused(ours: Client, url: str) -> str:
    with pytest.raises(Unreachable) as raised:
        await ours.to(url)(post())
    return raised.value.message


@pytest.mark.parametrize(("content", "told"), [(None, "No such file"), ("nonsense", "not a PEM file")])
def test_a_bad_bundle_is_a_setting_to_mend(content: str | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "roots.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=told):
        Trust(str(path)).load()


async def test_roots_are_read_once_and_only_when_needed(authority: trustme.CA, tmp_path: Path) -> None:
    copy = tmp_path / "roots.pem"
    trust = Trust(str(copy))
    authority.cert_pem.write_to_path(copy)
    found: list[ssl.SSLContext] = []

    async def one() -> None:
        found.append(await trust.context())

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(one)
    copy.unlink()
    assert {id(context) for context in found} == {id(await trust.context())}
