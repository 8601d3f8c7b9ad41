import ChatModel
import Testing

private let lobby = "lobby00000000016"
private let roomField = ",\"roomId\":\"\(lobby)\""
private let body = ",\"body\":\"" + String(repeating: "b", count: 200) + "\""

/// `schema/README.md` in numbers.
struct CostTests {
    private let house = House()

    @Test func `connecting`() async throws {
        #expect(await house.run(.connect) == Units(read: 0, write: 6, index: 2))
    }

    @Test func `joining, leaving, joining again`() async throws {
        await house.run(.connect)
        await house.run(.connect, connection: 2)
        // admit, session, head, roster, members; connection, membership, presence, due, room; publish
        #expect(await house.run(.joinRoom, roomField) == Units(read: 5 + 1 + 1, write: 10 + 2, index: 2))
        #expect(await house.run(.joinRoom, roomField) == Units(read: 5 + 1, write: 0, index: 0))
        #expect(await house.run(.joinRoom, roomField, connection: 2) == Units(read: 5 + 1, write: 6, index: 1))
        #expect(await house.run(.leaveRoom, roomField, connection: 2) == Units(read: 3, write: 6, index: 1))
        #expect(await house.run(.leaveRoom, roomField, connection: 2) == Units(read: 1, write: 0, index: 0))
        #expect(await house.run(.leaveRoom, roomField) == Units(read: 3 + 1, write: 8 + 2, index: 1))
        #expect(await house.run(.joinRoom, roomField) == Units(read: 5 + 1 + 1, write: 8 + 2, index: 1))
    }

    @Test func `sending to a room of 200`() async throws {
        try await house.crowd(200, in: lobby)
        let send = { (fields: String) in await house.run(.sendMessage, fields, user: 100, connection: 100) }
        #expect(await send(roomField + body) == Units(read: 2 + 10, write: 4, index: 0))
        #expect(await send(body) == Units(read: 2 + 10, write: 4, index: 0))
        #expect(await send(roomField + body + ",\"clientMessageId\":\"0123456789abcdef\"") == Units(read: 3 + 10, write: 6, index: 0))
        #expect(await send(roomField + body + ",\"clientMessageId\":\"0123456789abcdef\"") == Units(read: 3, write: 0, index: 0))
        let long = ",\"body\":\"" + String(repeating: "b", count: 16_384) + "\""
        #expect(await send(roomField + long) == Units(read: 2 + 10, write: 36, index: 0))
        let everyone = await send(",\"everyone\":true" + body)
        #expect(everyone == Units(read: 1 + 16 * 0.5, write: 0, index: 0))
        let online = await house.run(.online, user: 100, connection: 100)
        #expect(online == Units(read: 1 + 16 * 0.5 + 109, write: 0, index: 0))
        #expect(await house.run(.online, roomField, user: 100, connection: 100) == Units(read: 107, write: 0, index: 0))
        await house.run(.connect)
        #expect(await house.run(.joinRoom, roomField) == Units(read: 5 + 9 + 10, write: 8 + 2, index: 1))
    }

    @Test func `sending to a user`() async throws {
        for number in 1...3 { await house.run(.connect, user: 1, connection: number) }
        await house.run(.connect, user: 2, connection: 4)
        let fields = ",\"destinationUserId\":\"\(house.id("user", 2))\"" + body
        #expect(await house.run(.sendMessage, fields) == Units(read: 2 + (1 + 1) + (1 + 3), write: 4, index: 0))
    }

    @Test func `reading history`() async throws {
        await house.run(.connect)
        await house.run(.joinRoom, roomField)
        for _ in 0..<310 { await house.run(.sendMessage, roomField + body) }
        #expect(await house.run(.history, roomField) == Units(read: 6, write: 0, index: 0))
        #expect(await house.run(.history, roomField + ",\"limit\":300") == Units(read: 27, write: 0, index: 0))
        #expect(await house.run(.joinRoom, roomField + ",\"since\":0") == Units(read: 5 + 1 + 26, write: 0, index: 0))
    }

    @Test func `heartbeats`() async throws {
        await house.run(.connect)
        await house.run(.joinRoom, roomField)
        #expect(await house.run(.heartbeat) == Units(read: 1, write: 0, index: 0))
        house.clock.advance(150)
        #expect(await house.run(.heartbeat, ",\"rooms\":true") == Units(read: 2, write: 1, index: 0))
    }

    @Test func `ending`() async throws {
        await house.run(.connect)
        await house.run(.joinRoom, roomField)
        #expect(await house.run(.disconnect) == Units(read: 3 + 1, write: 15, index: 3))
        #expect(await house.run(.disconnect) == Units(read: 0, write: 1, index: 0))
    }

    @Test func `kicking`() async throws {
        #expect(try await house.kick() == Units(read: 0, write: 1, index: 0))
        await house.run(.connect, user: 2)
        await house.run(.joinRoom, roomField, user: 2)
        // The refusal, the claim, the room, what is told of it, the end.
        #expect(try await house.kick(user: 2) == Units(read: 3 + 1, write: 1 + 15, index: 3))
    }

    @Test func `sweeping`() async throws {
        let first = try await house.sweep()
        #expect(first == Units(read: 3873, write: 5, index: 0))
        house.clock.advance(60)
        let second = try await house.sweep()
        #expect(second == Units(read: 129, write: 1, index: 0))
        await house.run(.connect)
        house.clock.advance(300)
        await house.run(.heartbeat)
        _ = try await house.sweep()
        house.clock.advance(300)
        // The row has come up and its lease was renewed: moved. Two more minutes are looked at than a round a minute does.
        let third = try await house.sweep()
        #expect(third == Units(read: 1 + 8 * 32 + 1, write: 1 + 3, index: 0))
    }
}
