import ChatModel
import Simulation
import Testing

/// Many handlers at once on one table that gives way at every call.
@Suite struct ConcurrencyTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>, [true, false])
    func `messages are numbered without gaps, acknowledged once and told once`(seed: UInt64, follow: Bool) async throws {
        let service = try Service(yieldSeed: seed, appliesInOrder: follow)
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        var senders: [Client] = []
        for number in 1...12 { senders.append(await service.connect("user-\(number)")) }
        for sender in senders { await sender.join("lobby") }
        let acks = await withTaskGroup(of: [Frame].self) { group in
            for sender in senders {
                group.addTask {
                    var acks: [Frame] = []
                    for number in 1...4 { acks.append(await sender.say("\(sender.id)\(number)", in: "lobby")) }
                    return acks
                }
            }
            return await group.reduce([]) { $0 + $1 }
        }
        #expect(acks.compactMap { $0.int("seq") }.sorted() == Array(1...48))
        #expect(Set(acks.compactMap { $0.string("messageId") }).count == 48)
        #expect(watcher.frames.messages.compactMap { $0.int("seq") }.sorted() == Array(1...48))
        #expect(await watcher.send(#"{"action":"history","roomId":"lobby","limit":300}"#).seqs("messages") == Array(1...48))
        #expect(Audit(service).faults == [])
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>, [true, false])
    func `one clientMessageId sent by many at once is one message`(seed: UInt64, follow: Bool) async throws {
        let service = try Service(yieldSeed: seed, appliesInOrder: follow)
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        await alice.join("lobby")
        let acks = await withTaskGroup(of: Frame.self) { group in
            for _ in 1...10 { group.addTask { await alice.say("x", in: "lobby", #","clientMessageId":"m""#) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(acks.filter { $0["duplicate"] == nil }.count == 1)
        #expect(acks.allSatisfy { $0.int("seq") == 1 } && Set(acks.compactMap { $0.string("messageId") }).count == 1)
        #expect(watcher.frames.bodies == ["x"])
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `devices coming and going alternate join and leave, and the members come out right`(seed: UInt64) async throws {
        let service = try Service(yieldSeed: seed)
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        var devices: [Client] = []
        for number in 0..<8 { devices.append(await service.connect("user-\(number % 2)")) }
        let remaining = await withTaskGroup(of: String?.self) { group in
            for (number, device) in devices.enumerated() {
                group.addTask {
                    for _ in 1...3 {
                        await device.join("lobby")
                        await device.say("x", in: "lobby")
                        await device.leave("lobby")
                    }
                    await device.join("lobby")
                    if number % 4 < 2 { return device.id }
                    await device.disconnect()
                    return nil
                }
            }
            return await group.reduce(into: Set<String>()) { if let id = $1 { $0.insert(id) } }
        }
        #expect(service.poster.open == remaining.union([watcher.id]))
        #expect(await watcher.join("lobby").strings("members", of: "userId") == ["user-0", "user-1", "watcher"])
        for user in ["user-0", "user-1"] {
            let events = watcher.frames.filter { $0.type == "presence" && $0.string("userId") == user }
                .sorted { ($0.int("version") ?? 0) < ($1.int("version") ?? 0) }
            let expected = events.indices.map { $0.isMultiple(of: 2) ? "join" : "leave" }
            #expect(events.compactMap { $0.string("event") } == expected && events.count % 2 == 1, "\(events)")
        }
        #expect(Audit(service).faults == [])
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `a connection that joins while it is ended is in no room afterwards`(seed: UInt64) async throws {
        let service = try Service(yieldSeed: seed)
        let watcher = await service.connect("watcher")
        for room in 1...6 { await watcher.join("room-\(room)") }
        let alice = await service.connect("alice")
        service.advance(60)
        await withTaskGroup(of: Void.self) { group in
            for room in 1...6 {
                group.addTask { await alice.send(#"{"action":"joinRoom","roomId":"room-\#(room)"}"#) }
            }
            for _ in 1...2 { group.addTask { await alice.disconnect() } }
            group.addTask {
                service.poster.lose(alice.id)
                await watcher.say("x", in: "room-1")
            }
        }
        let events = watcher.presence
        #expect(events.filter { $0 == "join alice" }.count == events.filter { $0.hasPrefix("leave") }.count, "\(events)")
        #expect(Audit(service).faults == [])
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `the cap holds against connects at once`(seed: UInt64) async throws {
        var settings = Settings()
        settings.connectionsPerUser = 5
        let service = try Service(settings: settings, yieldSeed: seed)
        let statuses = await withTaskGroup(of: Int.self) { group in
            for _ in 1...12 {
                group.addTask { await service.connect(service.connectEvent(token: service.token("alice"))).statusCode }
            }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.filter { $0 == 200 }.count == 5 && statuses.filter { $0 == 429 }.count == 7)
        await withTaskGroup(of: Void.self) { group in
            for id in service.poster.open { group.addTask { _ = await service.disconnect(id) } }
        }
        #expect(service.table.memory.allItems().isEmpty, "nothing is left, the user's item neither")
    }
}
