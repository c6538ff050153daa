"""Who may see and change what: the rules, and that no page and no action is without them."""

from __future__ import annotations

import inspect
import re
import time
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML
from streamlit import config

from dashboards import access, actions
from pipelines.console.login import ready, settings
from pipelines.storage.published import current
from pipelines.workspace.access import Access, Login
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.gateway import Approver
from pipelines.workspace.load import load_workspace
from pipelines.workspace.model import Workspace
from tests.dashboards.conftest import REPO
from tests.dashboards.reading import said, title

LOGIN = {
    "url": "https://outlay.calder.example",
    "metadata_url": "https://login.calder.example/.well-known/openid-configuration",
    "client_id": "outlay",
    "client_secret": "os.environ/OUTLAY_CLIENT_SECRET",
    "cookie_secret": "os.environ/OUTLAY_COOKIE_SECRET",
}
ENVIRONMENT = {"OUTLAY_CLIENT_SECRET": "from the provider", "OUTLAY_COOKIE_SECRET": "c" * 32}
PAGES = sorted(file.stem for file in (REPO / "dashboards" / "views").glob("*.py") if file.stem != "__init__")


def user(email: str, lasts: float = 3600, **claims: Any) -> dict[str, Any]:
    return {"is_logged_in": True, "email": email, "exp": time.time() + lasts, **claims}


VIEWER, APPROVER, STRANGER = "ana@calder.example", "finops-lead@calder.example", "mallory@elsewhere.example"


@pytest.mark.parametrize(
    ("email", "enters"),
    [
        ("ana@calder.example", True),
        ("Ana@Calder.Example", True),
        ("mallory@elsewhere.example", False),
        ("ana@calder.example.elsewhere.example", False),
        ("guest@partner.example", True),
        ("lead@partner.example", True),
        ("platform-lead", True),
    ],
)
def test_viewers_are_addresses_or_patterns_and_approvers_enter_too(email, enters):
    invited = Access.model_validate({"viewers": ["*@calder.example", "guest@partner.example"]})
    approvers = (Approver(name="platform-lead"), Approver(name="lead", email="Lead@partner.example"))
    assert invited.lets_in(email, approvers) is enters


def test_without_viewers_only_approvers_enter():
    assert not Access().lets_in("ana@calder.example", ())
    assert Access().lets_in("ana@calder.example", (Approver(name="ana", email="ana@calder.example"),))


@pytest.mark.parametrize("key", ["url", "metadata_url"])
@pytest.mark.parametrize("address", ["http://outlay.calder.example", "outlay.calder.example", "ftp://127.0.0.1"])
def test_a_login_goes_over_an_encrypted_line(key, address):
    with pytest.raises(ValidationError, match="expected https://"):
        Login.model_validate({**LOGIN, key: address})


@pytest.mark.parametrize("key", ["client_secret", "cookie_secret"])
def test_a_secret_never_stands_in_the_file(key):
    with pytest.raises(ValidationError):
        Login.model_validate({**LOGIN, key: "s3cret-in-the-clear"})


def test_streamlit_is_told_the_login_with_the_secrets_of_the_environment():
    assert settings(Login.model_validate({**LOGIN, "url": "https://outlay.calder.example/"}), ENVIRONMENT) == {
        "redirect_uri": "https://outlay.calder.example/oauth2callback",
        "server_metadata_url": "https://login.calder.example/.well-known/openid-configuration",
        "client_id": "outlay",
        "client_secret": "from the provider",
        "cookie_secret": "c" * 32,
    }


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"OUTLAY_CLIENT_SECRET": ""}, "access.login.client_secret: the environment variable OUTLAY_CLIENT_SECRET is not set"),
        ({"OUTLAY_COOKIE_SECRET": "short-one"}, "OUTLAY_COOKIE_SECRET holds 9 characters, expected 32 or more"),
    ],
)  # fmt: skip
def test_a_login_that_lacks_a_secret_does_not_start(changed, says):
    with pytest.raises(UsageError, match=says) as refused:
        ready(guarded(), "0.0.0.0", {**ENVIRONMENT, **changed})
    assert "short-one" not in str(refused.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "outlay.calder.example"])
def test_without_a_login_it_binds_this_machine_only(host):
    open_to_all = guarded().model_copy(update={"access": Access()})
    with pytest.raises(UsageError, match=r"without a login the dashboard binds 127\.0\.0\.1 only"):
        ready(open_to_all, host, ENVIRONMENT)
    ready(open_to_all, "127.0.0.1", {})
    ready(guarded(), host, ENVIRONMENT)


def guarded() -> Workspace:
    return Workspace.model_validate(
        {"name": "w", "sources": [{"name": "s", "kind": "requests", "path": "x"}], "access": {"login": LOGIN}}
    )


@pytest.mark.parametrize(
    ("visitor", "says", "way_in"),
    [
        ({"is_logged_in": False}, "Sign in to see these figures", "Sign in"),
        (user(STRANGER), "You are signed in, but not invited", "Sign in as somebody else"),
        (user(VIEWER, -1), "Your login has expired", "Sign in again"),
    ],
    ids=["nobody", "stranger", "expired"],
)
def test_every_page_is_shut_to_who_may_not_read(visitor, says, way_in, show, sample):
    at = show(sample, user=visitor)
    for page in PAGES:
        at.switch_page(f"views/{page}.py").run()
        assert not at.exception
        assert title(at) == says, page
        assert [b.label for b in at.button] == [way_in]
        assert not at.dataframe
        assert not at.metric
        assert "$" not in said(at)
        assert "calder" not in said(at).replace(STRANGER, "").casefold()


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"is_logged_in": True, "email": VIEWER}, "Your login has expired"),
        ({"is_logged_in": True, "email": VIEWER, "exp": "soon"}, "Your login has expired"),
        ({"is_logged_in": "yes", "email": VIEWER, "exp": 9e9}, "Sign in to see these figures"),
        ({"is_logged_in": True, "exp": 9e9}, "Your login names no e-mail address"),
        ({"is_logged_in": True, "email": VIEWER, "email_verified": False, "exp": 9e9}, "Your login names no e-mail address"),
    ],
)  # fmt: skip
def test_a_token_that_proves_nothing_opens_nothing(claims, says, show, sample):
    at = show(sample, user=claims)
    assert title(at) == says


def test_a_session_ends_with_its_token_and_not_with_its_cookie(show, sample):
    at = show(sample, user=user(VIEWER))
    assert "Signed in as ana@calder.example" in said(at)
    at.user = user(VIEWER, -1)
    at.run()
    assert title(at) == "Your login has expired"


def test_a_viewer_who_is_struck_off_is_out_at_once(show, copy):
    at = show(copy, user=user(VIEWER))
    assert at.metric
    text = (copy / "outlay.yaml").read_text()
    (copy / "outlay.yaml").write_text(text.replace("*@calder.example", "bob@calder.example"))
    at.run()
    assert title(at) == "You are signed in, but not invited"


def test_a_broken_file_lets_nobody_in_and_tells_a_stranger_nothing(show, copy):
    (copy / "outlay.yaml").write_text("name: Calder\nsecret_plan: yes\n")
    at = show(copy, user=user(STRANGER))
    assert title(at) == "Nobody can be let in now"
    assert "secret_plan" not in said(at)


def test_a_declared_login_that_the_server_was_not_started_with_opens_nothing(show, copy):
    text = (copy / "outlay.yaml").read_text()
    lines = "".join(f", {key}: {value}" for key, value in LOGIN.items())
    (copy / "outlay.yaml").write_text(text.replace("access: {viewers:", f"access: {{login: {{{lines[2:]}}}, viewers:"))
    assert load_workspace(copy).config.access.login is not None
    at = show(copy)
    assert title(at) == "This server asks nobody who they are"
    assert not at.metric


def test_a_broken_file_that_wants_a_login_opens_nothing(show, copy):
    (copy / "outlay.yaml").write_text("name: Calder\naccess: {login: {url: outlay}}\n")
    at = show(copy, "cost")
    assert title(at) == "outlay.yaml is not valid"
    assert not at.metric


def test_a_server_without_a_login_that_listens_elsewhere_shows_nothing(show, sample):
    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    try:
        at = show(sample)
    finally:
        config.set_option("server.address", before)
    assert title(at) == "This server asks nobody who they are"
    assert "listens on 0.0.0.0" in said(at)
    assert not at.metric


#: what changes nothing, and who may see the pages may ask
ASKING = {"plan", "status", "signed_in", "rollout", "live_lines", "printed"}
CHANGING = sorted(
    name for name, made in vars(actions).items()
    if inspect.isfunction(made) and made.__module__ == actions.__name__ and not name.startswith("_") and name not in ASKING
)  # fmt: skip


def test_every_action_is_known_here():
    assert set(CHANGING) >= {"approve_and_apply", "apply", "accept_alarm"}


@pytest.mark.parametrize("action", CHANGING)
@pytest.mark.parametrize(
    ("visitor", "says"),
    [(user(VIEWER), "may not change this"), (user(APPROVER, -1), "Sign in again"), ({"is_logged_in": False}, "Only people whom")],
    ids=["viewer", "expired", "nobody"],
)  # fmt: skip
def test_an_action_called_past_the_page_is_refused_on_the_server(action, visitor, says, copy, monkeypatch):
    monkeypatch.setattr("streamlit.user", visitor)
    before = {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()}
    given = {"loaded": load_workspace(copy), "recommendations": current(copy).recommendations, "by": APPROVER}
    parameters = inspect.signature(getattr(actions, action)).parameters.values()
    arguments = {p.name: given.get(p.name, "x") for p in parameters if p.default is p.empty}
    with pytest.raises(OutlayError, match=says):
        getattr(actions, action)(**arguments)
    assert {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()} == before


def test_a_viewer_finds_no_button_that_changes_anything(show, copy):
    at = show(copy, "split", user=user(VIEWER))
    assert "You are signed in as a viewer" in said(at)
    assert [b.label for b in at.button if b.label != "Sign out"] == []
    at.switch_page("views/changes.py").run()
    assert not at.exception
    assert "You are signed in as a viewer" in said(at)
    assert [b.label for b in at.button if b.label != "Sign out"] == []


def test_a_download_drawn_before_the_end_of_the_login_is_refused_after_it(monkeypatch):
    class TheNextCentury(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2126, 1, 1, tzinfo=tz)

    monkeypatch.setattr("streamlit.user", user(VIEWER))
    make = access.while_signed_in(lambda: b"rows")
    assert make() == b"rows"
    monkeypatch.setattr(access, "datetime", TheNextCentury)
    with pytest.raises(access.Refused, match="Sign in again"):
        make()


def test_the_readmes_login_is_a_valid_one():
    block = re.search(r"```yaml\n(access:\n  viewers.*?)```", (REPO / "README.md").read_text(), re.DOTALL)
    assert block is not None
    shown = Access.model_validate(YAML(typ="safe", pure=True).load(block.group(1))["access"])
    assert shown.login is not None
    assert settings(shown.login, ENVIRONMENT)["redirect_uri"] == "https://outlay.acme.example/oauth2callback"
