"""The mailbox keeps the newest message of each kind, and hands pongs out first."""

from fanlight_gateway.core.mailbox import MAX_PONGS, Mailbox


def test_the_mailbox_keeps_the_newest_of_each_kind_and_pongs_go_first() -> None:
    box = Mailbox()
    assert box.next() is None
    box.put("desk", "old")
    box.put("position", b"1")
    box.put("desk", "new")
    for number in range(MAX_PONGS + 5):
        box.pong(bytes([number]))
    taken = []
    while (message := box.next()) is not None:
        taken.append(message)
    assert taken == [*(bytes([n]) for n in range(5, MAX_PONGS + 5)), "new", b"1"]
