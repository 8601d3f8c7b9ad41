import ChatModel
import ChatStore
import ChatWire
import Simulation
import Testing

/// The four ways a connection ends: contract section 4.
@Suite struct EndingTests {
    enum Path: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case disconnect, gonePost, record, sweep
        var testDescription: String { rawValue }

        var reason: String {
            switch self {
            case .disconnect: "disconnected"
            case .gonePost: "stale"
            case .record, .sweep: "expired"
            }
        }
    }

    /// A room with a watcher, and a user whose lease is over by the time anything ends it.
    struct Scene {
        let service: Service
        let watcher: Client
        let alice: Client

        init(_ layout: Layout = Layout()) async throws {
            service = try Service(layout)
            try await service.sweptSoFar()
            alice = await service.connect("alice")
            await alice.join("lobby")
            await alice.join("den")
            service.advance(60)
            watcher = await service.connect("watcher")
            await watcher.join("lobby")
            await watcher.join("den")
            service.advance(545)
        }

        /// - Parameter room: where a post finds it gone. Two posts at once are to different rooms: into one room they go
        ///   one after the other.
        func end(_ path: Path, postingIn room: String = "lobby") async throws {
            switch path {
            case .disconnect: #expect(await alice.disconnect() == 200)
            case .gonePost:
                service.poster.lose(alice.id)
                await watcher.say("anybody?", in: room)
            case .record: try await timeToLive()
            case .sweep: try await service.sweep()
            }
        }

        /// The table's TTL deletes the connection, if it is there, and tells of it.
        func timeToLive() async throws {
            guard let item = service.table.memory.allItems().first(where: { $0.key.pk == "CONN#\(alice.id)" }) else { return }
            _ = try await service.table.delete(item.key, if: nil)
            let reply = try await service.cleanup(record(of: item))
            #expect(reply.list("batchItemFailures").isEmpty)
        }
    }

    @Test(arguments: Path.allCases, Layout.all)
    func `each way publishes once, from every room, and leaves nothing behind`(path: Path, layout: Layout) async throws {
        let scene = try await Scene(layout)
        try await scene.end(path)
        let leave = "leave alice \(path.reason)"
        #expect(scene.watcher.presence == [leave, leave])
        #expect(Set(scene.watcher.frames.filter { $0.type == "presence" }.compactMap { $0.string("roomId") }) == ["lobby", "den"])
        #expect(Audit(scene.service).faults == [])
        #expect(scene.service.poster.open == [scene.watcher.id], "its socket is closed")
        #expect(await scene.alice.heartbeat().code == "gone")
    }

    @Test(arguments: permutations(of: Path.allCases))
    func `whichever is first publishes and the others are silent`(order: [Path]) async throws {
        let scene = try await Scene()
        for path in order { try await scene.end(path) }
        #expect(scene.watcher.presence == Array(repeating: "leave alice \(order[0].reason)", count: 2))
        #expect(Audit(scene.service).faults == [])
    }

    @Test(arguments: Path.allCases.flatMap { first in Path.allCases.map { (first, $0) } })
    func `two at once are one`(first: Path, second: Path) async throws {
        // The second runs whole while the first is about to write.
        for stop in 1...8 {
            let scene = try await Scene()
            let once = Once(), count = Counter()
            scene.service.table.beforeAnyWrite {
                guard count.next() == stop, once.take() else { return }
                try? await scene.end(second, postingIn: "den")
            }
            try await scene.end(first)
            scene.service.table.beforeAnyWrite(nil)
            let leaves = scene.watcher.presence
            #expect(leaves.count == 2, "before write \(stop): \(leaves)")
            // The sweep and the stream take up what others began; those two never do.
            let areSocketPaths = [first, second].allSatisfy { $0 == .disconnect || $0 == .gonePost }
            if areSocketPaths { #expect(Set(leaves).count == 1, "before write \(stop): \(leaves)") }
            #expect(Set(scene.watcher.frames.filter { $0.type == "presence" }.compactMap { $0.string("roomId") }).count == 2)
            try await scene.service.advance(180, sweepingEvery: 60)
            #expect(scene.watcher.presence.count == 2, "before write \(stop)")
            #expect(Audit(scene.service).faults == [], "before write \(stop)")
        }
    }

    // 410

    @Test func `a gone post ends only a connection of thirty seconds`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        await alice.join("lobby")
        service.poster.lose(alice.id)
        service.advance(29, milliseconds: 999)
        await watcher.say("one", in: "lobby")
        #expect(watcher.presence == ["join alice"])
        service.advance(0, milliseconds: 1)
        await watcher.say("two", in: "lobby")
        #expect(watcher.presence == ["join alice", "leave alice stale"])
        #expect(Audit(service).faults == [])
    }

    @Test func `direct messages, presence and news find the gone as well`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher", roles: ["admin"])
        await watcher.join("lobby")
        for name in ["a", "b", "c"] { await service.connect(name).join("lobby") }
        service.advance(60)
        for client in service.poster.open where client != watcher.id { service.poster.lose(client) }
        #expect(await watcher.tell("a", "x").int("delivered") == 1)
        #expect(watcher.presence.filter { $0.hasPrefix("leave") } .first == "leave a stale")
        await watcher.send(#"{"action":"sendMessage","everyone":true,"body":"x"}"#)
        #expect(watcher.presence.filter { $0.hasPrefix("leave") }.sorted() == ["leave a stale", "leave b stale", "leave c stale"])
        #expect(Audit(service).faults == [])
    }

    @Test func `a room whose sockets are all gone is told of nobody twice`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        try await service.fill("lobby", (1...40).map { "user-\($0)" })
        service.advance(60)
        for client in service.poster.open where client != watcher.id { service.poster.lose(client) }
        await watcher.say("anybody?", in: "lobby")
        #expect(watcher.presence.sorted() == (1...40).map { "leave user-\($0) stale" }.sorted())
        #expect(Audit(service).faults == [])
    }

    // Stream records

    @Test func `a record counts only if the table's TTL deleted a connection`() async throws {
        let scene = try await Scene()
        let item = try #require(scene.service.table.memory.allItems().first { $0.key.pk == "CONN#\(scene.alice.id)" })
        let before = scene.service.table.memory.allItems()
        _ = try await scene.service.cleanup(record(of: item))
        #expect(scene.service.table.memory.allItems() == before, "it is still there: an old record of it says nothing")

        _ = try await scene.service.table.delete(item.key, if: nil)
        let without = scene.service.table.memory.allItems()
        for payload in [
            record(of: item, by: nil), record(of: item, by: "somebody.else"), record(of: item, event: "MODIFY"),
            record(of: Item(Key("ROOM#acme#lobby", "CONN#\(scene.alice.id)"), ["userId": .string("alice")])),
        ] {
            _ = try await scene.service.cleanup(payload)
            #expect(scene.service.table.memory.allItems() == without && scene.watcher.presence == [])
        }
        _ = try await scene.service.cleanup(record(of: item))
        #expect(scene.watcher.presence.count == 2)
        for _ in 1...3 {
            scene.service.advance(86_400)
            _ = try await scene.service.cleanup(record(of: item))
        }
        #expect(scene.watcher.presence.count == 2)
    }

    @Test(arguments: [
        (#"{"eventName":"REMOVE",SERVICE,"dynamodb":{"SequenceNumber":"7","Keys":KEYS,"OldImage":{"PK":{"S":"CONN#c9="},"userId":{"S":"a"}}}}"#, "no connection's"),
        (#"{"eventName":"REMOVE",SERVICE,"dynamodb":{"SequenceNumber":"7","Keys":KEYS,"OldImage":{"connectionId":{"S":"c 9"},"tenantId":{"S":"t"},"userId":{"S":"a"}}}}"#, "no connection's"),
        (#"{"eventName":"REMOVE",SERVICE,"dynamodb":{"SequenceNumber":"7","Keys":KEYS}}"#, "no old image"),
        (#"{"eventName":"REMOVE",SERVICE,"dynamodb":{"SequenceNumber":"7"}}"#, "no key"),
        (#"{"eventName":"TRUNCATE","dynamodb":{"SequenceNumber":"7"}}"#, "eventName"),
        (#"{"dynamodb":{"SequenceNumber":"7"}}"#, "eventName"),
    ])
    func `a record that nobody can read is logged and reported, for the failure destination`(record: String, reason: String) async throws {
        let lines = Lines()
        let service = try Service(log: lines.log)
        let text = record.replacing("SERVICE", with: #""userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}"#)
            .replacing("KEYS", with: #"{"PK":{"S":"CONN#c9="},"SK":{"S":"META"}}"#)
        let reply = try await service.cleanup(#"{"Records":[{"eventName":"INSERT","dynamodb":{"SequenceNumber":"6"}},\#(text)]}"#)
        #expect(reply.strings("batchItemFailures", of: "itemIdentifier") == ["7"])
        #expect(lines.text.contains(reason), "\(lines.text)")
    }

    @Test(arguments: [#"{}"#, #"{"messageId":"a","body":"{}","eventSource":"aws:sqs"}"#])
    func `a record that is none of a stream and has no number fails the invocation`(record: String) async throws {
        let lines = Lines()
        let service = try Service(log: lines.log)
        await #expect(throws: EventError.self) { try await service.cleanup(#"{"Records":[\#(record)]}"#) }
        #expect(lines.text.contains("record unknown"))
    }

    @Test(arguments: [Int64.max, -1]) func `a time beyond the calendar in a record is no time`(seconds: Int64) async throws {
        let service = try Service()
        let item = Item(Key("CONN#c9=", "META"), [
            "connectionId": .string("c9="), "tenantId": .string("acme"), "userId": .string("alice"), "tokenExpiresAt": .number(seconds),
        ])
        #expect(try await service.cleanup(record(of: item)).list("batchItemFailures").isEmpty)
    }

    @Test func `a late record of an old connection does not touch the new one`() async throws {
        let scene = try await Scene()
        let item = try #require(scene.service.table.memory.allItems().first { $0.key.pk == "CONN#\(scene.alice.id)" })
        try await scene.service.sweep()
        let again = await scene.service.connect("alice")
        await again.join("lobby")
        await again.join("den")
        let before = scene.service.table.memory.allItems()
        _ = try await scene.service.cleanup(record(of: item))
        #expect(scene.service.table.memory.allItems() == before)
        #expect(await again.heartbeat().type == "heartbeat")
        #expect(scene.watcher.presence.filter { $0.hasPrefix("leave") }.count == 2)
    }

    @Test func `a failed record is named so that it comes again, and the others are done`() async throws {
        let scene = try await Scene()
        let items = scene.service.table.memory.allItems().filter { $0.key.pk.hasPrefix("CONN#") }
        for item in items { _ = try await scene.service.table.delete(item.key, if: nil) }
        let payload = #"{"Records":["# + items.map { record(of: $0, inner: true) }.joined(separator: ",") + "]}"
        scene.service.table.fail(ProbedTable.Fault(write: 1, moment: .before, isFatal: false))
        let reply = try await scene.service.cleanup(payload)
        #expect(reply.strings("batchItemFailures", of: "itemIdentifier").count == 1)
        #expect(try await scene.service.cleanup(payload).list("batchItemFailures").isEmpty)
        #expect(Audit(scene.service).faults == [])
    }

    // $disconnect

    @Test func `a late disconnect of an old connection never touches the new one`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let old = await service.connect("alice")
        await old.join("lobby")
        let new = await service.connect("alice")
        await new.join("lobby")
        service.advance(60)
        await old.disconnect()
        #expect(watcher.presence == ["join alice"])
        #expect(await watcher.tell("alice", "x").int("delivered") == 1)
        #expect(new.frames.bodies == ["x"])
        await old.disconnect()
        #expect(await service.disconnect("never-connected=") == 200)
        #expect(await new.heartbeat().type == "heartbeat")
        #expect(watcher.presence == ["join alice"])
        #expect(Audit(service).faults == [])
    }

    @Test func `two last devices that end together leave once`() async throws {
        for stop in 1...6 {
            let service = try Service()
            let watcher = await service.connect("watcher")
            await watcher.join("lobby")
            let devices = [await service.connect("alice"), await service.connect("alice")]
            for device in devices { await device.join("lobby") }
            let once = Once(), count = Counter()
            service.table.beforeAnyWrite {
                guard count.next() == stop, once.take() else { return }
                await devices[1].disconnect()
            }
            await devices[0].disconnect()
            if once.take() { await devices[1].disconnect() }
            #expect(watcher.presence == ["join alice", "leave alice disconnected"], "before write \(stop)")
            #expect(Audit(service).faults == [], "before write \(stop)")
        }
    }

    @Test func `two sweeps at once disturb neither`() async throws {
        let service = try Service()
        try await service.sweptSoFar()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        // Dies between removing the mark and removing the row that reminds of it.
        service.table.fail(ProbedTable.Fault(write: 3, moment: .before, isFatal: true))
        await alice.send(#"{"action":"joinRoom","roomId":"lobby"}"#)
        #expect(service.table.hasFailed)
        service.revive()
        service.advance(120)
        let once = Once()
        service.table.beforeAnyWrite { if once.take() { await #expect(throws: Never.self) { try await service.sweep() } } }
        try await service.sweep()
        service.table.beforeAnyWrite(nil)
        #expect(watcher.presence == ["join alice"])
        #expect(Audit(service).faults == [])
    }

    // The ghost bound

    @Test(arguments: [5, 20, 60] as [Int64])
    func `no leave is later than lease and a minute, with the disconnect lost`(interval: Int64) async throws {
        for lastFrame in [0, 59, 149, 150, 151, 299, 449] as [Int64] {
            let service = try Service()
            try await service.sweptSoFar()
            let alice = await service.connect("alice")
            await alice.join("lobby")
            try await service.advance(lastFrame, sweepingEvery: interval)
            await alice.heartbeat()
            // From here on the client is silent, behind a socket that nothing finds gone.
            let watcher = await service.connect("watcher")
            await watcher.join("lobby")
            try await service.advance(300, sweepingEvery: interval)
            await watcher.heartbeat()
            #expect(watcher.presence == [])
            try await service.advance(300, sweepingEvery: interval)
            await watcher.heartbeat()
            try await service.advance(60, sweepingEvery: interval)
            #expect(watcher.presence == ["leave alice expired"], "last frame at \(lastFrame)")
            #expect(Audit(service).faults == [])
        }
    }

    @Test func `a sweep that was down for days catches up, in pieces`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        await alice.join("lobby")
        try await service.sweep()
        service.advance(3 * 86_400)
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        // Each invocation is stopped after so many reads, as by its time-out.
        var rounds = 0
        while rounds < 100 {
            rounds += 1
            let reads = Counter()
            service.table.failReads { _ in reads.next() > 10_000 }
            service.settleIndexes()
            if (try? await service.sweep()) != nil { break }
        }
        #expect((10...20).contains(rounds), "\(rounds)")
        #expect(watcher.presence == ["leave alice expired"])
        #expect(Audit(service).faults == [])
    }

    @Test func `a sweep reads what is due and scans nothing`() async throws {
        let service = try Service()
        try await service.fill("lobby", (1...50).map { "user-\($0)" })
        service.advance(60)
        try await service.sweep()
        service.advance(60)
        service.table.beginCount()
        try await service.sweep()
        // Four minutes of two kinds in sixteen shards, and how far it has come.
        #expect(service.table.cost.roundTrips <= 4 * 2 * Limits.indexShards + 2)
    }
}

/// A stream event of one record.
private func record(
    of item: Item, by principal: String? = "dynamodb.amazonaws.com", event: String = "REMOVE", inner: Bool = false
) -> String {
    var image = [#""PK":{"S":"\#(item.key.pk)"}"#, #""SK":{"S":"\#(item.key.sk)"}"#]
    for attribute in item.attributes {
        let name = attribute.name
        switch attribute.value {
        case .string(let text): image.append(#""\#(name)":{"S":"\#(text)"}"#)
        case .number(let number): image.append(#""\#(name)":{"N":"\#(number)"}"#)
        case .strings(let members): image.append(#""\#(name)":{"SS":[\#(members.map { "\"\($0)\"" }.joined(separator: ","))]}"#)
        }
    }
    let identity = principal.map { #","userIdentity":{"type":"Service","principalId":"\#($0)"}"# } ?? ""
    let one = #"{"eventName":"\#(event)"\#(identity),"dynamodb":{"SequenceNumber":"\#(item.key.pk)","OldImage":{\#(image.joined(separator: ","))}}}"#
    return inner ? one : #"{"Records":[\#(one)]}"#
}

private func permutations<Element>(of elements: [Element]) -> [[Element]] {
    guard !elements.isEmpty else { return [[]] }
    return elements.indices.flatMap { index in
        var rest = elements
        let first = rest.remove(at: index)
        return permutations(of: rest).map { [first] + $0 }
    }
}
