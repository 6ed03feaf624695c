import base64
from pathlib import Path

import pytest

from federation.config import ConfigError
from federation.configuration.reading import load_hub_config, load_node_config
from federation.values.plan import Tier

HUB = """
entity_id = "https://hub.example"
name = "Hub"
data_dir = "data"
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [1000, 3000]
principal = [{ subject = "olga", roles = ["licensing_officer", "auditor"] }]
[terms]
tier_weight = { premium = 3000, standard = 1000 }
use_weight = { TRAIN = 1000 }
"""
NODE = """
entity_id = "https://gb.example"
code = "GB"
name = "Example Licensing Society"
country = "GB"
data_dir = "data"
settlement_currency = "GBP"
admin_fee_bps = 1200
collecting_fee_bps = 1000
minimum_payment = 100
plan = "per_usage"
[hub]
entity_id = "https://hub.example"
url = "http://127.0.0.1:8800"
key_thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
"""
ON_POSTGRES = 'workers = 2\ndatabase_url = "postgresql:///hub"'
AT_PROVIDER = (
    'sign_in = { oidc = { issuer = "https://a.example", client_id = "hub", key_file = "a.pem" } }'
)
PER_USAGE, TIERED = 'plan = "per_usage"', 'plan = "tiered"'
TIERS = """
[tiers]
gold = { minimum_works = 1000, share_bps = 6000 }
bronze = { minimum_works = 0, share_bps = 4000 }
"""


@pytest.fixture
def hub(tmp_path):
    return loader(tmp_path / "hub.toml", HUB, load_hub_config)


@pytest.fixture
def node(tmp_path):
    return loader(tmp_path / "node.toml", NODE, load_node_config)


def loader(path, text, load):
    """Load `text`, with a piece of it replaced and a tail added."""

    def read(old="", new="", *, tail="", environ=None):
        assert old in text
        path.write_text((text.replace(old, new) if old else text) + tail, encoding="utf-8")
        return load(path, environ or {})

    return read


def refusal(read, *args, **kwargs):
    with pytest.raises(ConfigError) as caught:
        read(*args, **kwargs)
    assert caught.value.code == "BAD_CONFIG"
    return caught.value.detail


def test_a_hub_is_read_with_its_defaults(hub, tmp_path):
    config = hub()

    assert config.entity_id == "https://hub.example"
    assert (config.host, config.port, config.public_url) == ("127.0.0.1", 0, None)
    assert config.data_dir == tmp_path / "data"
    assert config.database_url == f"sqlite+aiosqlite:///{tmp_path}/data/federation.sqlite"
    assert config.fee_band_bps == (1000, 3000)
    assert config.national_fee_bps == 300
    assert config.principal[0].roles == ["licensing_officer", "auditor"]
    assert config.principal[0].party is None
    assert (config.account, config.account_scheme, config.bic) == (None, "IBAN", None)


def test_a_fee_of_nothing_on_national_licences_is_not_the_default(hub):
    assert hub("fee_bps = 300", "fee_bps = 300\nnational_fee_bps = 0").national_fee_bps == 0


def test_a_node_is_read_with_its_hub(node):
    config = node()

    assert (config.code, config.plan, config.base_bps, config.tiers) == (
        "GB",
        "per_usage",
        None,
        None,
    )
    assert config.hub.url == "http://127.0.0.1:8800"


def test_on_postgresql_several_processes_may_answer(hub):
    assert hub("fee_bps = 300", f"fee_bps = 300\n{ON_POSTGRES}").workers == 2


def test_a_tiered_node_is_read_with_its_tiers(node):
    config = node('"per_usage"', '"tiered"', tail=TIERS)

    assert config.tiers == {"gold": Tier(1000, 6000), "bronze": Tier(0, 4000)}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("fee_bps = 300", "fee_bps = 10001", "Expected `int` <= 10000 - at `$.fee_bps`"),
        ("fee_bps = 300", "fee_bps = -1", "Expected `int` >= 0 - at `$.fee_bps`"),
        ("fee_bps = 300", 'fee_bps = "300"', "Expected `int`, got `str` - at `$.fee_bps`"),
        ("fee_bps = 300", "", "Object missing required field `fee_bps`"),
        ("fee_bps = 300", "fee_bps = 300\nfee_bsp = 1", "Object contains unknown field `fee_bsp`"),
        ("[1000, 3000]", "[3000, 1000]", "`fee_band_bps` is [lowest, highest]"),
        ("[1000, 3000]", "[1000]", "Expected `array` of length 2, got 1 - at `$.fee_band_bps`"),
        ('"EUR"', '"EUX"', "`clearing_currency`: This is not an ISO 4217 currency"),
        ('"EUR"', '"XXX"', "`clearing_currency`: This is not an ISO 4217 currency"),
        ('"auditor"', '"boss"', "Invalid enum value 'boss' - at `$.principal[0].roles[1]`"),
        ("TRAIN", '"~TRAIN"', "`~TRAIN` may not be empty, start with ~ or hold a / - at `$.terms`"),
        ("premium", '"a/b"', "`a/b` may not be empty, start with ~ or hold a / - at `$.terms`"),
        ('"https://hub.example"', '""', "`$.entity_id`"),
        ('name = "Hub"', "name = ", "Invalid value"),
        ("fee_bps = 300", "fee_bps = 300\nproxies = -1", "Expected `int` >= 0 - at `$.proxies`"),
        ("fee_bps = 300", "fee_bps = 300\nproxies = 9", "Expected `int` <= 8 - at `$.proxies`"),
        ("fee_bps = 300", "fee_bps = 300\nworkers = 17", "Expected `int` <= 16 - at `$.workers`"),
        ("fee_bps = 300", "fee_bps = 300\nworkers = 2", "`workers`: more than one process takes"),
        (
            "fee_bps = 300",
            f"fee_bps = 300\n{ON_POSTGRES}\n{AT_PROVIDER}",
            "`workers`: a sign-in at a provider",
        ),
    ],
)
def test_a_bad_hub_is_refused_by_file_and_field(hub, tmp_path, old, new, reason):
    detail = refusal(hub, old, new)

    assert detail.startswith(f"{tmp_path}/hub.toml: ")
    assert reason in detail


@pytest.mark.parametrize(
    ("edit", "tail", "reason"),
    [
        (('"GB"\nname', '"gb"\nname'), "", "`$.code`"),
        (('"GB"\nname', '"G"\nname'), "", "`$.code`"),
        (('"GB"\nname', '"~GB"\nname'), "", "`$.code`"),
        ((PER_USAGE, 'plan = "lottery"'), "", "Invalid enum value 'lottery' - at `$.plan`"),
        ((PER_USAGE, 'plan = "hybrid"'), "", "`base_bps` belongs to the plan `hybrid`"),
        ((PER_USAGE, f"{PER_USAGE}\nbase_bps = 1"), "", "`base_bps` belongs to the plan `hybrid`"),
        ((PER_USAGE, PER_USAGE), TIERS, "`tiers` belong to the plan `tiered`, and only to it"),
        ((PER_USAGE, TIERED), "", "`tiers` belong to the plan `tiered`, and only to it"),
        ((PER_USAGE, TIERED), TIERS.replace("6000", "6001"), "do not sum to 10000"),
        ((PER_USAGE, TIERED), TIERS.replace("= 1000,", "= 0,"), "have the same minimum of works"),
        ((PER_USAGE, TIERED), TIERS.replace("gold", '"~gold"'), "`~gold` may not be empty"),
        ((PER_USAGE, TIERED), TIERS.replace("gold", '"a/b"'), "`a/b` may not be empty"),
        (("minimum_payment = 100", "minimum_payment = -1"), "", "`$.minimum_payment`"),
        (("key_thumbprint", "colour = 1\nkey_thumbprint"), "", "field `colour` - at `$.hub`"),
        (("NzbLs", ""), "", "has 43 characters, as `federation keys list` at the hub shows"),
    ],
)
def test_a_bad_node_is_refused_by_file_and_field(node, tmp_path, edit, tail, reason):
    detail = refusal(node, *edit, tail=tail)

    assert detail.startswith(f"{tmp_path}/node.toml: ")
    assert reason in detail


def test_a_subject_is_listed_once(hub):
    detail = refusal(hub, "[{ subject", '[{ subject = "olga", roles = [] }, { subject')

    assert detail.endswith("`principal` names a subject twice")


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("Olga", "'olga' could be taken for 'Olga'"),
        ("olga ", "'olga ' has a blank at an end, or two in a row"),
        ("ol\u200bga", "'ol\\u200bga' holds a character that nobody sees"),
        ("\u043elga", "'\\u043elga' mixes letters of CYRILLIC and LATIN"),
        ("\uff4flga", "'\\uff4flga' is 'olga' in other characters"),
    ],
)
def test_one_person_is_not_listed_as_two(hub, subject, reason):
    also = f'[{{ subject = "{subject}", roles = [] }}, {{ subject'

    detail = refusal(hub, "[{ subject", also)

    assert detail.endswith(f"`principal`: {reason}")


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    missing, garbage = tmp_path / "missing.toml", tmp_path / "garbage.toml"
    garbage.write_bytes(b"\xff\xfe")

    assert refusal(load_hub_config, missing, {}) == f"{missing}: No such file or directory"
    assert refusal(load_hub_config, garbage, {}).startswith(f"{garbage}: ")


def test_the_environment_stands_above_the_file(hub, node):
    config = hub(
        environ={
            "FEDERATION_PORT": "8800",
            "FEDERATION_HOST": "0.0.0.0",  # noqa: S104
            "FEDERATION_NAME": "77",
            "FEDERATION_DATABASE_URL": "postgresql+asyncpg://db/hub",
            "FEDERATION_FEE_BAND_BPS": "[0, 10]",
            "FEDERATION_TERMS_USE_WEIGHT": '{"SEARCH": 5}',
            "PATH": "/bin",
        }
    )

    assert (config.port, config.host, config.name) == (8800, "0.0.0.0", "77")  # noqa: S104
    assert config.database_url == "postgresql+asyncpg://db/hub"
    assert config.fee_band_bps == (0, 10)
    assert config.terms.use_weight == {"SEARCH": 5}
    assert config.terms.tier_weight == {"premium": 3000, "standard": 1000}
    assert node(environ={"FEDERATION_HUB_URL": "https://hub.test"}).hub.url == "https://hub.test"


def test_the_environment_can_hold_what_the_file_lacks(hub):
    assert hub("fee_bps = 300", "", environ={"FEDERATION_FEE_BPS": "7"}).fee_bps == 7


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"FEDERATION_PROT": "1"}, "FEDERATION_PROT: no such field"),
        ({"FEDERATION_": "1"}, "FEDERATION_: no such field"),
        ({"FEDERATION_PORT": "http"}, "FEDERATION_PORT: Expected `int`, got `str`"),
        ({"FEDERATION_PORT": "65536"}, "FEDERATION_PORT: Expected `int` <= 65535"),
        ({"FEDERATION_TERMS_USE_WEIGHT": '{"A": "1"}'}, "FEDERATION_TERMS_USE_WEIGHT: Expected"),
        ({"FEDERATION_DATABASE_URL_FILE": "/nowhere"}, "_FILE: /nowhere cannot be read"),
    ],
)
def test_a_bad_variable_is_refused_by_name(hub, environ, reason):
    assert reason in refusal(hub, environ=environ)


SECRETS = [base64.b64encode(bytes([number] * 32)).decode() for number in (251, 255)]


def test_key_secrets_are_one_or_several_and_never_shown(hub, tmp_path):
    secret = tmp_path / "key"
    secret.touch(mode=0o600)
    secret.write_text("\n".join(SECRETS) + "\n", encoding="utf-8")

    one = hub(environ={"FEDERATION_KEY_SECRET": SECRETS[0]})
    several = hub(environ={"FEDERATION_KEY_SECRET_FILE": str(secret)})

    assert (one.key_secret, several.key_secret.split()) == (SECRETS[0], SECRETS)
    assert hub().key_secret == ""
    assert repr(one) == "HubConfig('https://hub.example')"


@pytest.mark.parametrize("wrong", ["short", SECRETS[0][:-4], "no base64 at all, but é", "=" * 44])
def test_what_is_no_key_secret_is_refused_and_not_repeated(hub, wrong):
    detail = refusal(hub, environ={"FEDERATION_KEY_SECRET": f"{SECRETS[0]} {wrong}"})

    assert detail.endswith("`key_secret`: value 2 is not 32 bytes in base64")
    assert SECRETS[0] not in detail


def test_a_key_secret_that_everybody_may_read_is_refused(hub, tmp_path):
    secret = tmp_path / "key"
    secret.write_text(SECRETS[0], encoding="utf-8")
    secret.chmod(0o604)

    detail = refusal(hub, environ={"FEDERATION_KEY_SECRET_FILE": str(secret)})

    assert detail == f"FEDERATION_KEY_SECRET_FILE: everybody may read {secret}; chmod 600"


def test_a_secret_is_read_from_the_file_that_a_variable_names(hub, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("postgresql+asyncpg://hub:pw@db/hub\n")

    config = hub(environ={"FEDERATION_DATABASE_URL_FILE": str(secret)})

    assert config.database_url == "postgresql+asyncpg://hub:pw@db/hub"
    both = {"FEDERATION_DATABASE_URL_FILE": str(secret), "FEDERATION_DATABASE_URL": "x"}
    assert refusal(hub, environ=both) == (
        "FEDERATION_DATABASE_URL_FILE: FEDERATION_DATABASE_URL is set as well"
    )


def test_an_absolute_data_dir_stays_where_it_is(hub, tmp_path):
    assert hub('"data"', f'"{tmp_path}/elsewhere"').data_dir == tmp_path / "elsewhere"
    assert isinstance(hub().data_dir, Path)


PROVIDER = """
[sign_in.oidc]
issuer = "https://login.example"
client_id = "federation-hub"
client_secret_file = "provider.secret"
"""


def test_people_sign_in_by_passwords_unless_the_file_says_otherwise(hub, tmp_path):
    found = hub(tail=PROVIDER + "[sign_in]\nlocal = false\n").sign_in

    assert (hub().sign_in.local, hub().sign_in.oidc) == (True, None)
    assert (found.local, found.oidc.issuer) == (False, "https://login.example")
    assert found.oidc.client_secret_file == tmp_path / "provider.secret"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("https://login", "http://login", "`issuer` is https, or on this machine"),
        ("https://login.example", "https://login.example?x", "matching regex"),
        (
            'client_secret_file = "provider.secret"',
            "",
            "one of `client_secret_file` and `key_file` is named",
        ),
        (
            "client_id",
            'key_file = "key.pem"\nclient_id',
            "one of `client_secret_file` and `key_file` is named",
        ),
        ("client_id", "client_ids", "unknown field `client_ids`"),
    ],
)
def test_a_provider_that_cannot_be_asked_safely_is_refused(hub, old, new, reason):
    with pytest.raises(ConfigError) as refusal:
        hub(tail=PROVIDER.replace(old, new))

    assert reason in refusal.value.message


def test_the_configuration_of_the_other_role_is_told_apart(tmp_path):
    (tmp_path / "hub.toml").write_text(HUB, encoding="utf-8")
    (tmp_path / "gb.toml").write_text(NODE, encoding="utf-8")

    detail = refusal(load_node_config, tmp_path / "hub.toml", {})
    assert detail == f"{tmp_path}/hub.toml: this is a hub's configuration"
    detail = refusal(load_hub_config, tmp_path / "gb.toml", {})
    assert detail == f"{tmp_path}/gb.toml: this is a node's configuration"
