import ChatModel
import Testing

@testable import ChatStore

/// What the local engine may know of an item by its key.
@Suite struct KeyPolicyTests {
    static let room = Room(TenantID("acme")!, RoomID("lobby")!)
    static let alice = User(TenantID("acme")!, UserID("alice")!)
    static let id = ConnectionID("c=")!
    static let conversation = MessageStream.direct(alice.tenantID, between: alice.id, and: UserID("bob")!)

    @Test(arguments: [
        (Keys.connection(id), true, false), (Keys.room(room), true, true), (conversation.head, true, true),
        (Keys.presence(room, alice.id), true, false), (Keys.message(Keys.roomPartition(room), 1), false, true),
        (Keys.message(conversation.partition, 1), false, true), (Keys.membership(room, id), false, false),
        (Keys.user(alice), false, false), (Keys.lease(id, minute: 1), false, false), (Keys.due(id, room.id, minute: 1), false, false),
        (Keys.deduplication(.room(room), sender: alice.id, "m"), false, true),
        (Keys.deduplication(conversation, sender: alice.id, "m"), false, true),
    ])
    func `what is said is durable, and what every frame reads is kept in memory`(key: Key, readOften: Bool, durable: Bool) {
        #expect(Keys.isReadOften(key) == readOften)
        #expect(Keys.mustBeDurable(.put(Item(key), if: nil)) == durable)
    }

    @Test func `of a user only the refusal of tokens is durable`() {
        let who = UpdateClause.set("userId", .string("alice"))
        #expect(!Keys.mustBeDurable(.update(Update(Keys.user(Self.alice), [.insert("connections", ["c="]), who]))))
        #expect(Keys.mustBeDurable(.update(Update(Keys.user(Self.alice), [.set(refusedUntil, .number(1)), who]))))
    }
}
