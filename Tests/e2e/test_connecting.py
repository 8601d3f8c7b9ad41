"""$connect: who is let in, who is not, and that the answer never says why. Contract sections 2 and 5, in both modes."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import jwt as pyjwt
import pytest
from websockets.exceptions import InvalidStatus

from client import Client, open_socket
from server import SECRET
from tokens import token
from waiting import wait_for


def encoded(value) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header, payload: bytes | dict, secret: str = SECRET) -> str:
    """A token with a good HS256 signature over whatever it is."""
    text = f"{encoded(header)}.{encoded(payload)}"
    signature = pyjwt.algorithms.HMACAlgorithm(pyjwt.algorithms.HMACAlgorithm.SHA256).sign(text.encode(), secret.encode())
    return f"{text}.{encoded(signature)}"


def claims(**changes) -> dict:
    everything = {"sub": "alice", "tenantId": "acme", "exp": int(time.time()) + 600} | changes
    return {name: value for name, value in everything.items() if value is not None}


HS256 = {"alg": "HS256", "typ": "JWT"}
NOW = int(time.time())

BAD_TOKENS = {
    "empty": "",
    "no token at all": None,
    "no JWT": "hello",
    "two parts": signed(HS256, claims()).rpartition(".")[0],
    "four parts": signed(HS256, claims()) + ".x",
    "alg none, unsigned": f"{encoded({'alg': 'none'})}.{encoded(claims())}.",
    "alg None, unsigned": f"{encoded({'alg': 'None'})}.{encoded(claims())}.",
    "alg none, signed": signed({"alg": "none"}, claims()),
    "HS256, unsigned": signed(HS256, claims()).rpartition(".")[0] + ".",
    "an unknown algorithm": signed({"alg": "HS257"}, claims()),
    "a public key's algorithm": signed({"alg": "RS256"}, claims()),
    "HS512 said, HS256 signed": signed({"alg": "HS512"}, claims()),
    "no alg": signed({"typ": "JWT"}, claims()),
    "crit": signed({"alg": "HS256", "crit": ["exp"]}, claims()),
    "wrong secret": signed(HS256, claims(), "another secret that is long enough too"),
    "signature cut": signed(HS256, claims())[:-4],
    "payload changed": ".".join([(parts := signed(HS256, claims()).split("."))[0], encoded(claims(sub="bob")), parts[2]]),
    "padding": signed(HS256, claims()) + "=",
    "key taken from the token": signed({"alg": "HS256", "jwk": {"kty": "oct", "k": encoded(b"k" * 32)}}, claims(), "k" * 32),
    "expired": signed(HS256, claims(exp=NOW - 1)),
    "no exp": signed(HS256, claims(exp=None)),
    "exp a string": signed(HS256, claims(exp=str(NOW + 600))),
    "exp null": signed(HS256, {**claims(), "exp": None}),
    "exp true": signed(HS256, claims(exp=True)),
    "exp huge and negative": signed(HS256, claims(exp=-1e300)),
    "nbf in an hour": signed(HS256, claims(nbf=NOW + 3600)),
    "iat in an hour": signed(HS256, claims(iat=NOW + 3600)),
    "nbf a string": signed(HS256, claims(nbf="0")),
    "no sub": signed(HS256, claims(sub=None)),
    "sub a number": signed(HS256, claims(sub=7)),
    "sub empty": signed(HS256, claims(sub="")),
    "sub too long": signed(HS256, claims(sub="é" * 129)),
    "sub with a control character": signed(HS256, claims(sub="a\u0085")),
    "no tenant": signed(HS256, claims(tenantId=None)),
    "tenant a list": signed(HS256, claims(tenantId=["acme"])),
    "tenant malformed": signed(HS256, claims(tenantId="a/b")),
    "tenant too long": signed(HS256, claims(tenantId="t" * 129)),
    "rooms a string": signed(HS256, claims(rooms="lobby")),
    "rooms of numbers": signed(HS256, claims(rooms=[1])),
    "roles a string": signed(HS256, claims(roles="admin")),
    "claims no object": signed(HS256, b'["alice"]'),
    "claims no JSON": signed(HS256, b"{"),
    "a claim twice": signed(HS256, json.dumps(claims()).encode()[:-1] + b',"sub":"bob"}'),
    "claims not UTF-8": signed(HS256, json.dumps(claims()).encode().replace(b"alice", b"al\xffce")),
    "a newline in it": signed(HS256, claims()).replace(".", ".\n", 1),
}


def refused(server, jwt: str | None, **options):
    with pytest.raises(InvalidStatus) as caught:
        open_socket(server, jwt, **options).close()
    return caught.value.response


@pytest.fixture(scope="module")
def uniform(shared):
    """The answer to the plainest refusal, which every other must equal."""
    response = refused(shared, None)
    return response.status_code, response.body, {name.lower() for name, _ in response.headers.raw_items()}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_token_is_refused_without_saying_why(server, uniform, name):
    text = BAD_TOKENS[name]
    response = refused(server, text)
    assert (response.status_code, response.body, {name.lower() for name, _ in response.headers.raw_items()}) == uniform
    assert response.status_code == 401
    assert server.online("acme")["count"] == 0
    log = server.log()
    assert not any(part in log for part in (text or "").split(".") if len(part) > 40)


def test_a_good_token_is_taken_from_the_query_a_header_or_the_subprotocol(server, tenant):
    jwt = token("alice", tenant)
    ways = [
        ({"path": f"/any/path?x=1&token={jwt}"}, None), ({"additional_headers": {"Authorization": f"Bearer {jwt}"}}, None),
        ({"additional_headers": {"authorization": f"bearer {jwt}"}}, None),
        ({"subprotocols": ["muster.v1", f"bearer.{jwt}"]}, "muster.v1"), ({"path": f"/?token=bad&token={jwt}"}, None),
        ({"path": f"/?token={jwt.replace('.', '%2E').replace('e', '%65')}"}, None),
        ({"path": f"/?token={jwt}", "subprotocols": ["muster.v1"]}, "muster.v1"),
        ({"path": f"/?token={jwt}", "subprotocols": ["chat"]}, None),
    ]
    for options, subprotocol in ways:
        with open_socket(server, **options) as socket:
            assert socket.subprotocol == subprotocol
            assert [user["userId"] for user in server.online(tenant)["users"]] == ["alice"]
            assert jwt not in str(socket.response.headers)
    assert jwt not in server.log()


@pytest.mark.parametrize(
    "options",
    [
        {"path": "/?token={good}&token=bad"}, {"path": "/?Token={good}"}, {"path": "/?token=%2520{good}"}, {"path": "/{good}"},
        {"additional_headers": {"Authorization": "Basic {good}"}}, {"additional_headers": {"Authorization": "{good}"}},
        {"additional_headers": {"Cookie": "token={good}"}}, {"subprotocols": ["muster.v1", "bearer.bad"]},
        {"subprotocols": ["muster.v1", "{good}"]},
    ],
    ids=str,
)
def test_a_token_in_the_wrong_place_is_none(server, tenant, options):
    good = token("alice", tenant)

    def filled(value):
        if isinstance(value, dict):
            return {name: filled(item) for name, item in value.items()}
        return [filled(item) for item in value] if isinstance(value, list) else value.replace("{good}", good)

    assert refused(server, None, **filled(options)).status_code == 401
    assert server.online(tenant)["count"] == 0


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_every_hmac_algorithm_is_accepted(server, tenant, algorithm):
    open_socket(server, token("alice", tenant, algorithm=algorithm)).close()


def test_times_have_30_s_of_leeway_except_exp(server, tenant):
    now = int(time.time())
    for good in [{"nbf": now + 20}, {"iat": now + 20}, {"nbf": now - 9999, "iat": now - 9999}]:
        open_socket(server, token("alice", tenant, **good)).close()
    for bad in [{"nbf": now + 60}, {"iat": now + 60}]:
        assert refused(server, token("alice", tenant, **bad)).status_code == 401


def test_issuer_audience_tenant_claim_and_origin_are_checked_when_configured(servers, mode):
    server = servers(
        mode, "--allowed-origins", "https://chat.example, https://b.example", MUSTER_JWT_ISSUER="me", MUSTER_JWT_AUDIENCE="chat",
        MUSTER_TENANT_CLAIM="org")
    good = {"tenantId": None, "org": "acme", "iss": "me", "aud": ["x", "chat"]}
    origin = {"origin": "https://b.example"}
    for changes in [{}, {"aud": "chat"}]:
        open_socket(server, token("alice", "", **good | changes), **origin).close()
    for changes in [{"iss": "you"}, {"iss": None}, {"aud": ["x"]}, {"aud": None}, {"org": None, "tenantId": "acme"}, {"iss": 5}]:
        assert refused(server, token("alice", "", **good | changes), **origin).status_code == 401, changes
    for other in [{}, {"origin": "https://evil.example"}, {"origin": "https://b.example.evil"}, {"origin": "null"}]:
        assert refused(server, token("alice", "", **good), **other).status_code == 403, other


def test_one_connection_more_than_the_cap_is_refused(servers, mode):
    server = servers(mode, "--max-connections-per-user", "3")
    opened = [open_socket(server, token("alice", "acme")) for _ in range(3)]
    assert refused(server, token("alice", "acme")).status_code == 429
    open_socket(server, token("bob", "acme")).close()
    open_socket(server, token("alice", "other")).close()
    opened.pop().close()
    wait_for(lambda: server.online("acme")["users"] == [] or server.online("acme")["users"][0]["connections"] == 2)
    opened.append(open_socket(server, token("alice", "acme")))
    assert refused(server, token("alice", "acme")).status_code == 429
    for socket in opened:
        socket.close()


def test_the_cap_holds_when_all_come_at_once(servers, mode):
    server = servers(mode, "--max-connections-per-user", "5")

    def attempt(_):
        try:
            return open_socket(server, token("alice", "acme"))
        except InvalidStatus as error:
            assert error.response.status_code == 429
            return None

    with ThreadPoolExecutor(15) as pool:
        opened = [socket for socket in pool.map(attempt, range(15)) if socket]
    assert len(opened) == 5
    assert server.online("acme")["users"][0]["connections"] == 5
    for socket in opened:
        socket.close()


def test_refresh_token_moves_the_end_of_the_connection(enter, tenant):
    alice = enter("alice", expires=60)
    expires = int(time.time()) + 7200
    reply = alice.ask("refreshToken", token=token("alice", tenant, exp=expires))
    assert reply == {"type": "refreshed", "expiresAt": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(expires))}
    for name, other in {
        "another user": token("bob", tenant), "another tenant": token("alice", tenant + "x"), "expired": token("alice", tenant, expires=-1),
        "wrong secret": token("alice", tenant, secret="x" * 32), "no token": "x", "empty": "",
    }.items():
        error = alice.error("unauthorized", {"action": "refreshToken", "token": other})
        assert error["status"] == 401, name
    for frame in [{}, {"token": 5}, {"token": None}]:
        alice.error("bad_request", {"action": "refreshToken", **frame})
    assert alice.ask("heartbeat")["type"] == "heartbeat"


def test_a_token_that_ran_out_ends_the_connection_at_its_next_frame(servers, mode, clients):
    server = servers(mode)
    end = int(time.time()) + 3
    bob, alice, carol = clients(server, "bob", "acme"), clients(server, "alice", "acme", exp=end), clients(server, "carol", "acme", exp=end)
    bob.join("lobby"), alice.join("lobby"), carol.join("lobby")
    assert [frame["userId"] for frame in bob.collect(2)] == ["alice", "carol"]
    alice.event("presence", userId="carol")
    carol.ask("refreshToken", token=token("carol", "acme"))
    wait_for(lambda: time.time() > end + 0.05)
    error = alice.error("token_expired", {"action": "sendMessage", "roomId": "lobby", "body": "too late", "requestId": "r"})
    assert (error["status"], error["requestId"], error["action"]) == (401, "r", "sendMessage")
    assert alice.closed() == 4401
    carol.event("presence", event="leave", userId="alice"), bob.event("presence", event="leave", userId="alice")
    assert carol.say("lobby", "refreshed in time")["seq"] == 1
    bob.message(seq=1, senderId="carol")
