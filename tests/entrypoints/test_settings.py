"""Configuration comes from the environment; a wrong value is named."""

from pathlib import Path

import pytest

from baobab.entrypoints.settings import InvalidSetting, Settings, from_environment


def test_nothing_set_means_the_defaults() -> None:
    assert from_environment({}) == Settings()
    assert (Settings().host, Settings().port) == ("127.0.0.1", 8000)


def test_every_value_is_read() -> None:
    settings = from_environment(
        {"BAOBAB_PORT": "9000", "BAOBAB_SANDBOX": "false", "BAOBAB_DATA_DIR": "/srv/x"}
    )
    assert (settings.port, settings.sandbox, settings.data_path) == (9000, False, Path("/srv/x"))


def test_an_empty_value_is_no_value() -> None:
    assert from_environment({"BAOBAB_PORT": "  "}).port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BAOBAB_PORT", "eighty"),
        ("BAOBAB_PORT", "70000"),
        ("BAOBAB_CONNECTIONS", "0"),
        ("BAOBAB_SANDBOX", "perhaps"),
        ("BAOBAB_LIMITED_NETWORK_CENTS", "0"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=name):
        from_environment({name: value})
