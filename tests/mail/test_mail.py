"""Mail by every provider: real SMTP and HTTP servers on the loopback, and what each of them gets."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from support.merchant_endpoint import MerchantEndpoint, merchant_endpoint
from wisipay.core.config import Settings
from wisipay.core.http_client import HttpClient
from wisipay.mail import Mail, MailRefused, mailer_of

MAIL = Mail(id="job-7", to="ops@shop.example", subject="₹ and a subject", text="First line\nनमस्ते\n")


class _Post:
    """Takes mails for an SMTP server, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.answer = "250 taken"
        self.port = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's word
        self.taken.append(envelope)
        return self.answer

    def message(self) -> EmailMessage:
        content = self.taken[-1].content
        assert isinstance(content, bytes)
        return message_from_bytes(content, policy=policy.default)


@pytest.fixture
async def smtp() -> AsyncIterator[_Post]:
    post = _Post()
    serving = await asyncio.get_running_loop().create_server(lambda: SMTP(post, enable_SMTPUTF8=True), "127.0.0.1", 0)
    async with serving:
        post.port = serving.sockets[0].getsockname()[1]
        yield post


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(private_addresses_allowed=True) as opened:
        yield opened


@pytest.fixture
async def endpoint() -> AsyncIterator[MerchantEndpoint]:
    async with merchant_endpoint() as serving:
        yield serving


def _settings(provider: str, **fields: Any) -> Settings:  # noqa: ANN401 - settings are of many types
    given = {"mail_provider": provider, "mail_from_email": "no-reply@pay.example", "mail_from_name": "Wisi, Pay"}
    return Settings(**given | fields)


def _smtp_settings(post: _Post, **fields: Any) -> Settings:  # noqa: ANN401 - as above
    return _settings("smtp", smtp_host="127.0.0.1", smtp_port=post.port, **fields)


async def test_a_mail_reaches_an_smtp_server_whole(client: HttpClient, smtp: _Post) -> None:
    await mailer_of(_smtp_settings(smtp), client).send(MAIL)
    assert (smtp.taken[-1].mail_from, smtp.taken[-1].rcpt_tos) == ("no-reply@pay.example", [MAIL.to])
    message = smtp.message()
    assert (message["from"], message["to"]) == ('"Wisi, Pay" <no-reply@pay.example>', MAIL.to)
    assert (message["subject"], message["message-id"]) == (MAIL.subject, "<job-7@pay.example>")
    assert message.get_content().replace("\r\n", "\n") == MAIL.text


async def test_a_mail_that_is_refused_is_told_and_no_password_goes_without_tls(client: HttpClient, smtp: _Post) -> None:
    count = len(smtp.taken)
    with_password = _smtp_settings(smtp, smtp_user="me", smtp_pass="hush")
    with pytest.raises(MailRefused, match="did not take it") as refused:
        await mailer_of(with_password, client).send(MAIL)
    assert "hush" not in str(refused.value)
    assert len(smtp.taken) == count
    smtp.answer = "552 too much"
    with pytest.raises(MailRefused):
        await mailer_of(_smtp_settings(smtp), client).send(MAIL)
    smtp.answer = "250 taken"
    nobody_there = _settings("smtp", smtp_host="127.0.0.1", smtp_port=1, smtp_secure=True)
    with pytest.raises(MailRefused):
        await mailer_of(nobody_there, client).send(MAIL)


async def test_the_providers_with_an_api_get_what_their_documents_ask_for(
    client: HttpClient, endpoint: MerchantEndpoint
) -> None:
    zeptomail = _settings("zeptomail", zeptomail_url=f"{endpoint.url}/v1.1/email", zeptomail_token="Zoho-enczapikey t0")
    await mailer_of(zeptomail, client).send(MAIL)
    maileroo = _settings("maileroo", maileroo_url=f"{endpoint.url}/api/v2/emails", maileroo_api_key="k0")
    await mailer_of(maileroo, client).send(MAIL)
    first, second = endpoint.received
    assert (first.path, first.headers["authorization"]) == ("/v1.1/email", "Zoho-enczapikey t0")
    assert msgspec.json.decode(first.body) == {
        "from": {"address": "no-reply@pay.example", "name": "Wisi, Pay"},
        "to": [{"email_address": {"address": MAIL.to}}],
        "subject": MAIL.subject,
        "textbody": MAIL.text,
        "client_reference": "job-7",
        "track_clicks": False,
        "track_opens": False,
    }
    assert (second.path, second.headers["x-api-key"]) == ("/api/v2/emails", "k0")
    assert msgspec.json.decode(second.body) == {
        "from": {"address": "no-reply@pay.example", "display_name": "Wisi, Pay"},
        "to": [{"address": MAIL.to}],
        "subject": MAIL.subject,
        "plain": MAIL.text,
        "tracking": False,
        "tags": {"id": "job-7"},
    }


async def test_a_provider_that_refuses_or_is_away_raises(client: HttpClient, endpoint: MerchantEndpoint) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=401, text="the key k0 is wrong")

    endpoint.answer = refuse
    settings = _settings("maileroo", maileroo_url=endpoint.url, maileroo_api_key="k0")
    with pytest.raises(MailRefused, match=r"answered 401$"):
        await mailer_of(settings, client).send(MAIL)
    away = _settings("maileroo", maileroo_url="http://127.0.0.1:1/", maileroo_api_key="k0")
    with pytest.raises(MailRefused, match="did not answer"):
        await mailer_of(away, client).send(MAIL)


async def test_the_console_prints_it(client: HttpClient, capsys: pytest.CaptureFixture[str]) -> None:
    await mailer_of(_settings("console"), client).send(MAIL)
    printed = capsys.readouterr().out
    assert f"To: {MAIL.to}\nSubject: {MAIL.subject}\n\n{MAIL.text}" in printed


@pytest.mark.parametrize("field", [{"subject": "a\r\nBcc: x@evil.example"}, {"to": "a@b\nBcc: c@d"}, {"to": "nobody"}])
async def test_no_text_becomes_a_header(client: HttpClient, field: dict[str, str]) -> None:
    with pytest.raises(MailRefused):
        await mailer_of(_settings("console"), client).send(msgspec.structs.replace(MAIL, **field))


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@", "@shop.example", "a b@shop.example", "a@b,c@d", "अ@shop.example"]
)
async def test_an_address_that_is_none_is_refused_and_no_bug(client: HttpClient, address: str) -> None:
    with pytest.raises(MailRefused, match="not an address"):
        await mailer_of(_settings("console"), client).send(msgspec.structs.replace(MAIL, to=address))
