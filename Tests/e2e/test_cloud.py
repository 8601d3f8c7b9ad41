"""The deployed service on the emulator of AWS: chats that hold on the local server hold there, through the same tests.

What the emulator does as AWS does: routes and their selection, replies, @connections, functions in environments of their own that
are used again, the queue's partial failures, the schedule. What it does not, and how it is shown instead:

- A refused $connect is 403 whatever the function answered; which status it answered is shown by invoking the function.
- TTL deletes without a stream record: the record is handed to the function as AWS would.
- Stream batches are retried as a whole. That failures are reported one by one is a test of the handler's.
"""

import pytest
from websockets.exceptions import InvalidStatus

from client import open_socket
from test_direct import (  # noqa: F401
    test_a_direct_message_reaches_every_device_of_both, test_a_direct_message_to_nobody_online_is_stored,
    test_a_user_may_write_to_themselves, test_an_addressee_is_one_of_three, test_direct_duplicates_are_judged_by_sender_and_destination,
    test_only_an_admin_speaks_to_everyone_and_nothing_of_it_is_stored, test_two_users_share_one_conversation_and_its_numbers,
    test_user_ids_of_any_sign_hold_a_conversation)
from test_queries import (  # noqa: F401
    test_a_heartbeat_lists_the_rooms_and_their_newest_seq_if_asked, test_a_heartbeat_tells_when_the_next_is_due,
    test_a_lease_does_not_outlive_the_token, test_an_empty_room_is_recovered_from_0, test_history_needs_membership,
    test_online_counts_the_connections_of_each_user, test_what_was_missed_is_recovered)
from test_rooms import (  # noqa: F401
    test_a_clients_own_id_makes_a_message_once_per_user_and_room, test_a_closed_and_a_broken_connection_leave_as_disconnected,
    test_a_join_describes_the_room_and_is_told_to_the_others,
    test_a_message_is_numbered_from_1_and_reaches_everyone_but_its_own_connection, test_a_numeric_request_id_is_echoed_as_the_text_received,
    test_a_request_id_is_echoed_in_every_reply, test_a_user_who_comes_back_has_a_higher_version,
    test_joining_twice_is_one_membership_and_one_presence_event, test_leaving_a_room_not_joined_is_left_without_an_event,
    test_presence_is_per_user_across_devices, test_rooms_and_their_sequences_are_apart, test_tenants_are_apart,
    test_text_of_every_script_arrives_as_it_was_sent, test_the_allowed_rooms_of_a_token_bind,
    test_the_room_may_be_left_out_in_exactly_one_room, test_unknown_fields_are_ignored_and_null_is_absent)

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def enter(deployment, tenant, clients):
    """A client of the deployed service, in the test's own tenant."""
    return lambda user, tenant=tenant, **claims: clients(deployment, user, tenant, **claims)


def test_a_refused_connect_gets_403_of_the_emulator(deployment):
    with pytest.raises(InvalidStatus) as refused:
        open_socket(deployment, "no token")
    assert refused.value.response.status_code == 403
