"""Which names and passwords are accepted."""

import pytest

from foreseen.errors import InputError
from foreseen.serving.passwords import Passwords, check_name, check_password


@pytest.mark.usefixtures("fast_hasher")
def test_a_password_is_verified_by_its_digest() -> None:
    passwords = Passwords()
    digest = passwords.hash("correct horse battery")
    assert digest.startswith("$argon2id$")
    assert passwords.verify("correct horse battery", digest)
    assert not passwords.verify("correct horse batterz", digest)
    assert not passwords.verify("correct horse battery", None)


@pytest.mark.parametrize("name", ["", "a", ".ann", "an n", "x" * 33, "anné", "ann\n"])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="2 to 32"):
        check_name(name)


def test_a_name_is_returned_in_lower_case() -> None:
    assert check_name("Ann.B-2_c") == "ann.b-2_c"


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("short", "at least 10"),
        ("x" * 1025, "at least 10"),
        ("aaaaabbbbbccccc", "too easily"),
        ("my name is anna", "too easily"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_password(password, "anna")
