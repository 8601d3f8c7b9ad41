import ChatModel
import ChatWire
import TestSupport
import Testing
import WebSocketCodec

@testable import Gateway

/// What is published to a topic reaches its members, in order, and nobody else.
@Suite struct TopicTests {
    /// Clients on as many loops as asked for, with their ids.
    private func connect(
        _ count: Int, to fixture: GatewayFixture
    ) async throws -> [(client: WebSocketTestClient, id: ConnectionID)] {
        var members: [(WebSocketTestClient, ConnectionID)] = []
        for _ in 0..<count { members.append((try await fixture.connect(), fixture.lastID)) }
        return members
    }

    @Test(arguments: [1, 2]) func `frames reach every member but the excepted one, in order`(threads: Int) async throws {
        try await GatewayFixture.run({ $0.threads = threads }) { fixture in
            let topic = fixture.gateway.makeTopic()
            let members = try await connect(8, to: fixture)
            let stranger = try await fixture.connect()
            for member in members { fixture.gateway.subscribe(member.id, to: topic) }
            for number in 0..<300 {
                fixture.gateway.publish(Array("\(number)".utf8), to: topic, except: members[number % 8].id)
            }
            for (place, member) in members.enumerated() {
                for number in 0..<300 where number % 8 != place {
                    #expect(try await member.client.receive() == .text("\(number)"))
                }
            }
            _ = fixture.gateway.post(Array("alone".utf8), to: [fixture.lastID])
            #expect(try await stranger.receive() == .text("alone"))
        }
    }

    @Test(arguments: [1, 2])
    func `who joins gets what is published after it, and who leaves what was published before`(threads: Int) async throws {
        try await GatewayFixture.run({ $0.threads = threads }) { fixture in
            let topic = fixture.gateway.makeTopic()
            let members = try await connect(4, to: fixture)
            let (first, late) = (members[0], members[1])
            let gateway = fixture.gateway
            gateway.subscribe(first.id, to: topic)
            gateway.publish(Array("1".utf8), to: topic, except: nil)
            gateway.subscribe(late.id, to: topic)
            gateway.publish(Array("2".utf8), to: topic, except: nil)
            gateway.unsubscribe(first.id, from: topic)
            gateway.publish(Array("3".utf8), to: topic, except: nil)
            gateway.subscribe(first.id, to: topic)
            gateway.publish(Array("4".utf8), to: topic, except: nil)
            for text in ["1", "2", "4"] { #expect(try await first.client.receive() == .text(text)) }
            for text in ["2", "3", "4"] { #expect(try await late.client.receive() == .text(text)) }
            #expect(topic.parts.map { $0.count.load(ordering: .relaxed) }.reduce(0, +) == 2)
        }
    }

    @Test func `a member of several topics gets all of them, also beside frames of its own`() async throws {
        try await GatewayFixture.run { fixture in
            let topics = (0..<3).map { _ in fixture.gateway.makeTopic() }
            let member = try await connect(1, to: fixture)[0]
            for topic in topics { fixture.gateway.subscribe(member.id, to: topic) }
            var expected: Set<String> = []
            for number in 0..<30 {
                fixture.gateway.publish(Array("topic \(number)".utf8), to: topics[number % 3], except: nil)
                _ = fixture.gateway.post(Array("post \(number)".utf8), to: [member.id])
                expected.formUnion(["topic \(number)", "post \(number)"])
            }
            for _ in 0..<60 {
                guard case .text(let text) = try await member.client.receive() else {
                    Issue.record("no text")
                    return
                }
                #expect(expected.remove(text) != nil)
            }
            #expect(expected.isEmpty)
        }
    }

    @Test func `frames too many to be joined still come in order`() async throws {
        try await GatewayFixture.run { fixture in
            let topic = fixture.gateway.makeTopic()
            let member = try await connect(1, to: fixture)[0]
            fixture.gateway.subscribe(member.id, to: topic)
            let filler = String(repeating: "x", count: 30_000)
            for number in 0..<20 { fixture.gateway.publish(Array("\(number) \(filler)".utf8), to: topic, except: nil) }
            for number in 0..<20 { #expect(try await member.client.receive() == .text("\(number) \(filler)")) }
        }
    }

    @Test func `a frame that another was to follow leaves in order with it, and without it all the same`() async throws {
        try await GatewayFixture.run { fixture in
            let topic = fixture.gateway.makeTopic()
            let member = try await connect(1, to: fixture)[0]
            fixture.gateway.subscribe(member.id, to: topic)
            for number in 0..<50 {
                fixture.gateway.publish(Array("\(number)".utf8), to: topic, except: nil, moreFollows: number % 5 < 4)
            }
            fixture.gateway.publish(Array("last".utf8), to: topic, except: nil, moreFollows: true)
            for number in 0..<50 { #expect(try await member.client.receive() == .text("\(number)")) }
            #expect(try await member.client.receive() == .text("last"))
        }
    }

    @Test func `a member cut for reading too slowly while it leaves is gone, and nobody else`() async throws {
        try await GatewayFixture.run({ $0.sendQueueBytes = 16 * 1024 }) { fixture in
            let topic = fixture.gateway.makeTopic(), gateway = fixture.gateway
            let members = try await connect(2, to: fixture)
            let (slow, other) = (members[0], members[1])
            slow.client.pauseReading()
            gateway.subscribe(slow.id, to: topic)
            let frame = [UInt8](repeating: UInt8(ascii: "x"), count: 60_000)
            // Leaving gives out what waits: sooner or later that is what cuts it.
            for _ in 0..<400 {
                gateway.publish(frame, to: topic, except: nil)
                gateway.unsubscribe(slow.id, from: topic)
                gateway.subscribe(slow.id, to: topic)
            }
            _ = try await fixture.disconnect()
            gateway.subscribe(other.id, to: topic)
            gateway.publish(Array("on".utf8), to: topic, except: nil)
            #expect(try await other.client.receive() == .text("on"))
            #expect(topic.parts[0].count.load(ordering: .relaxed) == 1)
        }
    }

    @Test func `a connection that ends leaves its topics`() async throws {
        try await GatewayFixture.run { fixture in
            let topic = fixture.gateway.makeTopic()
            let members = try await connect(3, to: fixture)
            for member in members { fixture.gateway.subscribe(member.id, to: topic) }
            try members[1].client.close(.normal)
            _ = try await fixture.disconnect()
            #expect(topic.parts[0].count.load(ordering: .relaxed) == 2)
            fixture.gateway.publish(Array("on".utf8), to: topic, except: nil)
            for place in [0, 2] { #expect(try await members[place].client.receive() == .text("on")) }
        }
    }
}
