"""What is shipped fits what the code expects: compose file, image, broker configuration, wheel."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from gateway.config.load import load_settings
from gateway.config.settings import Limits, Runtime
from gateway.ops.broker import COMPOSE_SERVICE, COMPOSE_URL
from gateway.ops.demo_keys import demo_file_names

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_CONFIG = ROOT / "config" / "compose" / "gateway.toml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = compose["services"]
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def broker_conf() -> dict[str, str]:
    text = (ROOT / "config" / "rabbitmq" / "rabbitmq.conf").read_text(encoding="utf-8")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {
        key.strip(): value.strip()
        for key, _, value in (line.partition("=") for line in lines if line)
    }


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    """The instructions, one a line, without comments."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


# --- docker-compose.yml ------------------------------------------------------------------------


def test_compose_has_broker_database_and_gateway(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {"rabbitmq", "postgres", "gateway"}
    assert services["rabbitmq"]["image"] == "rabbitmq:4-management"
    name, _, major = services["postgres"]["image"].partition(":")
    assert name == "postgres"
    assert int(major) >= 16
    assert services["gateway"]["build"] == "."


def test_the_demo_finds_the_broker_that_compose_starts(
    services: dict[str, dict[str, Any]], broker_conf: dict[str, str]
) -> None:
    """``gateway.ops.broker`` starts one service by name and expects it at one address."""
    url = urlsplit(COMPOSE_URL)

    assert f"{url.hostname}:{url.port}:5672" in services[COMPOSE_SERVICE]["ports"]
    assert (broker_conf["default_user"], broker_conf["default_pass"]) == (
        url.username,
        url.password,
    )
    assert "depends_on" not in services[COMPOSE_SERVICE]
    assert "secrets" not in services[COMPOSE_SERVICE], "it must start without preparation"


def test_every_port_is_published_on_loopback_only(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]

    assert ports
    assert [port for port in ports if not str(port).startswith("127.0.0.1:")] == []
    assert "ports" not in services["postgres"], "nobody but the gateway talks to the journal"


def test_every_service_says_when_it_is_healthy(services: dict[str, dict[str, Any]]) -> None:
    """The gateway's own check is in its image."""
    for name in ("rabbitmq", "postgres"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"
    assert services["gateway"]["depends_on"] == {
        "rabbitmq": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
    }


def test_data_outlives_the_containers(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    mounted = {
        name: [volume.split(":")[0] for volume in service["volumes"]]
        for name, service in services.items()
    }

    assert set(compose["volumes"]) == {"rabbitmq", "postgres", "gateway"}
    for name in compose["volumes"]:
        assert name in mounted[name]
    assert services["rabbitmq"]["hostname"], "RabbitMQ's data belongs to a node name"


def test_no_secret_stands_in_the_compose_file(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    named = [
        f"{name}.{key}"
        for name, service in services.items()
        for key in service.get("environment", {})
        if re.search(r"PASS|SECRET|TOKEN|KEY|URL", key) and not key.endswith("_FILE")
    ]
    assert named == []
    assert "://" not in (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    used = {one for service in services.values() for one in service.get("secrets", [])}
    assert used == set(compose["secrets"])
    for secret in compose["secrets"].values():
        assert secret["file"].startswith("./config/compose/secrets/")


def test_every_file_that_compose_mounts_is_in_the_tree(
    services: dict[str, dict[str, Any]],
) -> None:
    binds = [
        volume.split(":")
        for service in services.values()
        for volume in service["volumes"]
        if volume.startswith(".")
    ]

    assert [source for source, *_ in binds if not (ROOT / source).exists()] == []
    assert [source for source, _, *mode in binds if mode != ["ro"]] == []
    assert [
        "./config/rabbitmq/rabbitmq.conf",
        "/etc/rabbitmq/conf.d/90-gateway.conf",
        "ro",
    ] in binds


def test_the_gateways_container_can_change_nothing(services: dict[str, dict[str, Any]]) -> None:
    gateway = services["gateway"]

    assert gateway["read_only"] is True
    assert gateway["cap_drop"] == ["ALL"]
    assert gateway["security_opt"] == ["no-new-privileges:true"]
    assert not str(gateway["user"]).startswith(("0", "root"))


def test_a_stop_leaves_the_gateway_time_to_drain(services: dict[str, dict[str, Any]]) -> None:
    seconds = float(services["gateway"]["stop_grace_period"].removesuffix("s"))

    assert seconds > Runtime().grace_seconds


def test_docker_compose_reads_the_file() -> None:
    """Its own parser knows keys that ours does not check."""
    docker = shutil.which("docker")
    if docker is None or _run(docker, "compose", "version") is None:
        pytest.skip("docker compose is not installed")
    assert _run(docker, "compose", "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet")


def _run(*command: str) -> bool | None:
    """True when the command succeeds; None when it does not exist or fails."""
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return True if done.returncode == 0 else None


# --- configuration -----------------------------------------------------------------------------


def test_the_broker_takes_the_largest_message_that_the_gateway_takes(
    broker_conf: dict[str, str],
) -> None:
    """RabbitMQ 4 stops at 16 MiB unless told otherwise."""
    limits = Limits()

    assert int(broker_conf["max_message_size"]) >= max(limits.mail_bytes, limits.document_bytes)


def test_the_configuration_for_compose_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "broker_url").write_text("amqp://gateway:gateway@rabbitmq:5672/%2F\n")
    (tmp_path / "journal_url").write_text("postgresql://gateway:x@postgres/gateway\n")
    for name in ("broker_url", "journal_url"):
        (tmp_path / name).chmod(0o600)  # as with the umask of docs/operations.md
    file = tmp_path / "gateway.toml"
    text = COMPOSE_CONFIG.read_text(encoding="utf-8")
    file.write_text(text.replace("/run/secrets", str(tmp_path)), encoding="utf-8")

    settings = load_settings(file, environment={})

    assert settings.broker.url == "amqp://gateway:gateway@rabbitmq:5672/%2F"
    assert settings.journal.url == "postgresql://gateway:x@postgres/gateway"
    assert settings.listener is not None
    assert settings.listener.host == "0.0.0.0"


def test_the_configuration_for_compose_names_the_files_that_keys_demo_makes() -> None:
    raw = tomllib.loads(COMPOSE_CONFIG.read_text(encoding="utf-8"))
    files = {raw["journal"]["content_key_file"]}
    files |= {name for key, name in raw["keys"].items() if key.endswith("_file")}
    files |= {name for pair in raw["keys"]["unsealing"] for name in pair.values()}

    made = {f"keys/{name}" for name in demo_file_names()}

    assert files <= made
    assert raw["address_book"]["partners_file"] == "keys/hospital-partners.toml"


def test_secrets_made_for_compose_are_never_committed() -> None:
    lines = (ROOT / "config" / "compose" / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if not line.startswith("#")] == [
        "*",
        "!.gitignore",
        "!gateway.toml",
    ]


# --- image -------------------------------------------------------------------------------------


def test_the_image_begins_from_one_pinned_base(dockerfile: list[str]) -> None:
    bases = [line.split()[1] for line in dockerfile if line.startswith("FROM ")]
    pinned = [line for line in dockerfile if line.startswith("ARG PYTHON_IMAGE=")]

    assert set(bases) == {"${PYTHON_IMAGE}"}
    assert len(pinned) == 1
    assert re.fullmatch(r"ARG PYTHON_IMAGE=python:3\.\d+-slim-[a-z]+", pinned[0])
    minor = int(pinned[0].split(":3.")[1].split("-")[0])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert minor >= int(project["requires-python"].removeprefix(">=3."))


def test_the_image_runs_the_daemon_without_root(dockerfile: list[str]) -> None:
    last_stage = dockerfile[[i for i, x in enumerate(dockerfile) if x.startswith("FROM ")][-1] :]
    users = [line.split()[1] for line in last_stage if line.startswith("USER ")]

    assert users == ["10001:10001"]
    assert last_stage.index("USER 10001:10001") < last_stage.index('ENTRYPOINT ["dialog-gateway"]')
    assert last_stage[-1] == 'CMD ["run"]'
    health = [line for line in last_stage if line.startswith("HEALTHCHECK ")]
    assert len(health) == 1
    assert "/health/live" in health[0]


def test_every_install_in_the_image_is_locked_or_offline(dockerfile: list[str]) -> None:
    installs = [
        step
        for line in dockerfile
        for step in line.split("&&")
        if re.search(r"pip (install|wheel)", step)
    ]

    assert len(installs) == 4
    for step in installs:
        assert "--require-hashes" in step or "--no-index" in step or "--no-build-isolation" in step


def test_what_the_image_copies_is_let_through_and_nothing_secret_is(
    dockerfile: list[str],
) -> None:
    """.dockerignore: the last line that fits decides, as docker reads it."""
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    copied = [
        name
        for line in dockerfile
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]

    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert [name for name in copied if _ignored(name, rules)] == []
    for name in (
        ".git/config",
        ".venv/bin/python",
        "config/compose/keys/hospital-signing.key.pem",
        "config/compose/secrets/broker_url",
        "config/partners.toml",
        "journal.sqlite",
        "gateway/__pycache__/app.cpython-312.pyc",
    ):
        assert _ignored(name, rules), name


def _ignored(name: str, rules: list[str]) -> bool:
    parents = [name, *(str(parent) for parent in Path(name).parents if str(parent) != ".")]
    ignored = False
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("**/")
        anywhere = "**/" in rule
        names = [part for one in parents for part in (one, Path(one).name)] if anywhere else parents
        if any(fnmatch(one, pattern) and (anywhere or _depth(one, pattern)) for one in names):
            ignored = not rule.startswith("!")
    return ignored


def _depth(name: str, pattern: str) -> bool:
    """``*`` of .dockerignore does not cross a slash."""
    return name.count("/") == pattern.count("/")


# --- locks and wheel ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"]
)
def test_every_locked_version_has_a_hash(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    pinned = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert pinned
    assert [line.split()[0] for line in pinned if "==" not in line or "--hash=" not in line] == []


def test_the_lock_holds_every_dependency_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["postgres"]
    locked = _names_in((ROOT / "requirements.lock").read_text(encoding="utf-8"))

    assert {_name_of(one) for one in wanted} <= locked


def test_the_build_lock_holds_the_build_backend() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    locked = _names_in((ROOT / "requirements-build.lock").read_text(encoding="utf-8"))

    assert {_name_of(one) for one in build["requires"]} <= locked


def _names_in(lock: str) -> set[str]:
    return {_name_of(line) for line in lock.splitlines() if re.match(r"[a-z0-9]", line)}


def _name_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_the_wheel_takes_schemas_and_services_from_the_tree() -> None:
    """Where ``codecs.schema`` and ``adapters.registers`` look for them in an installed package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    assert included == {
        "schemas": "gateway/data/schemas",
        "config/services.toml": "gateway/data/services.toml",
    }
    assert [source for source in included if not (ROOT / source).exists()] == []


@pytest.mark.slow
def test_a_built_wheel_holds_schemas_services_and_the_command(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: requirements-build.lock")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path)]
    subprocess.run([*command, str(ROOT)], check=True, timeout=120)
    (wheel,) = tmp_path.glob("dialog_gateway-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        scripts = next(name for name in names if name.endswith("entry_points.txt"))
        entry_points = archive.read(scripts).decode()

    schemas = {f"gateway/data/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.xsd")}
    assert schemas
    assert schemas <= names
    assert "gateway/data/services.toml" in names
    assert "gateway/adapters/journal/migrations/env.py" in names
    assert "dialog-gateway = gateway.ops.cli:main" in entry_points
    assert not [name for name in names if name.endswith((".pem", ".key", ".sqlite"))]
