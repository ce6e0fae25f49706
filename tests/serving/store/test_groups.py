"""Groups of accounts: invitations, members, and their bounds."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from foreseen.errors import InputError
from foreseen.serving.store import Store
from foreseen.serving.store.groups import MAX_GROUPS, MAX_MEMBERS


def accounts(store: Store, count: int) -> list[int]:
    users = [store.add_guest(1).id for _ in range(count)]
    for user in users:
        store.sign_up(user, f"name{user}", "digest", "viewer")
    return users


def test_an_invitation_leads_into_a_group_until_it_expires(store: Store) -> None:
    owner, other, late = accounts(store, 3)
    group = store.create_group(owner, "digest", now=10, expires=20)
    invited = store.invited_to("digest", 19)
    assert invited is not None
    assert [member.user for member in invited.members] == [owner]
    assert store.join_group("digest", other, 19) == group
    assert store.join_group("digest", other, 19) == group
    assert store.invited_to("digest", 20) is None
    assert store.join_group("digest", late, 20) is None
    assert store.join_group("unknown", late, 10) is None
    (found,) = store.groups(other)
    assert (found.owner, found.name) == (owner, f"name{owner}, name{other}")
    assert store.groups(late) == []


def test_only_the_owner_replaces_an_invitation_and_the_one_before_ends(store: Store) -> None:
    owner, other = accounts(store, 2)
    group = store.create_group(owner, "first", now=10, expires=20)
    assert not store.invite(group, other, "second", 30)
    assert store.invite(group, owner, "second", 30)
    assert store.join_group("first", other, 11) is None
    assert store.join_group("second", other, 29) == group


def test_a_member_leaves_and_the_group_ends_with_its_owner(store: Store) -> None:
    owner, other = accounts(store, 2)
    group = store.create_group(owner, "digest", now=10, expires=20)
    store.join_group("digest", other, 11)
    assert store.leave_group(group, other)
    assert not store.leave_group(group, other)
    assert [len(found.members) for found in store.groups(owner)] == [1]
    store.join_group("digest", other, 11)
    assert store.leave_group(group, owner)
    assert store.groups(other) == []
    assert store.invited_to("digest", 11) is None


def test_only_the_owner_removes_another_member_who_cannot_come_back_by_the_link(
    store: Store,
) -> None:
    owner, other, third = accounts(store, 3)
    group = store.create_group(owner, "digest", now=10, expires=20)
    another = store.create_group(other, "another", now=10, expires=20)
    for user in (other, third):
        store.join_group("digest", user, 11)
    assert not store.remove_member(group, other, f"name{third}", 12)
    assert not store.remove_member(another, owner, f"name{other}", 12)
    assert not store.remove_member(group, owner, f"name{owner}", 12)
    assert not store.remove_member(group, owner, "nobody", 12)
    assert store.invited_to("digest", 12) is not None
    assert store.remove_member(group, owner, f"name{other}", 12)
    assert not store.remove_member(group, owner, f"name{other}", 12)
    (left,) = store.groups(third)
    assert [member.user for member in left.members] == [owner, third]
    assert [found.id for found in store.groups(other)] == [another]
    assert store.join_group("digest", other, 12) is None
    assert store.invite(group, owner, "renewed", 30)
    assert store.join_group("renewed", other, 12) == group


def test_deleted_accounts_leave_their_groups(store: Store) -> None:
    owner, other = accounts(store, 2)
    store.create_group(owner, "digest", now=10, expires=20)
    store.join_group("digest", other, 11)
    store.delete_user(other)
    assert [len(found.members) for found in store.groups(owner)] == [1]
    store.delete_user(owner)
    assert store.invited_to("digest", 11) is None


def test_groups_and_members_are_bounded_also_at_the_same_time(store: Store) -> None:
    owner, *others = accounts(store, MAX_MEMBERS + 3)
    store.create_group(owner, "digest", now=10, expires=20)

    def join(user: int) -> bool:
        with suppress(InputError):
            return store.join_group("digest", user, 11) is not None
        return False

    with ThreadPoolExecutor(4) as pool:
        joined = sum(pool.map(join, others))
    assert joined == MAX_MEMBERS - 1
    with pytest.raises(InputError, match="5 members"):
        store.join_group("digest", store.add_guest(1).id, 11)
    for number in range(MAX_GROUPS - 1):
        store.create_group(owner, f"digest{number}", now=10, expires=20)
    with pytest.raises(InputError, match="20 groups"):
        store.create_group(owner, "further", now=10, expires=20)
    assert store.invited_to("further", 11) is None
