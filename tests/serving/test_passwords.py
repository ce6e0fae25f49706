"""Which names and passwords are accepted."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from foreseen.errors import InputError
from foreseen.serving.passwords import Passwords, check_name, check_password, random_digest


@pytest.mark.usefixtures("fast_hasher")
def test_a_password_is_verified_by_its_digest() -> None:
    passwords = Passwords()
    digest = passwords.hash("correct horse battery")
    assert digest.startswith("$argon2id$")
    assert passwords.verify("correct horse battery", digest)
    assert not passwords.verify("correct horse batterz", digest)
    assert not passwords.verify("correct horse battery", None)


def test_the_digest_for_unknown_names_takes_as_long_to_verify_as_a_real_one() -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=2)
    digest = random_digest(hasher)
    assert extract_parameters(digest) == extract_parameters(hasher.hash("correct horse battery"))
    assert len(digest) == len(hasher.hash("correct horse battery"))
    # Not `InvalidHashError`, which is raised at once.
    with pytest.raises(VerifyMismatchError):
        hasher.verify(digest, "correct horse battery")
    assert random_digest(hasher) != digest


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
