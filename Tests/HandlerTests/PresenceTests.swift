import ChatModel
import Simulation
import Testing

/// Presence is per user: contract section 3.
@Suite struct PresenceTests {
    @Test(arguments: Layout.all) func `only the first device in and the last one out are told`(layout: Layout) async throws {
        let service = try Service(layout)
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let devices = [await service.connect("alice"), await service.connect("alice"), await service.connect("alice")]
        for device in devices { await device.join("lobby") }
        #expect(watcher.presence == ["join alice"])
        await devices[0].leave("lobby")
        await devices[2].disconnect()
        #expect(watcher.presence == ["join alice"])
        await devices[1].leave("lobby")
        #expect(watcher.presence == ["join alice", "leave alice left"])
        #expect(Audit(service).faults == [])
    }

    @Test func `the joiner is not told of itself but the user's other devices elsewhere are no matter`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        await alice.join("lobby")
        let second = await service.connect("alice")
        await second.join("lobby")
        #expect(alice.frames == [] && second.frames == [])
        let bob = await service.connect("bob")
        await bob.join("lobby")
        #expect(bob.frames == [])
        #expect(alice.presence == ["join bob"] && second.presence == ["join bob"])
    }

    @Test func `versions rise whatever the clock does, and members carry them`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        for _ in 1...3 {
            await alice.join("lobby")
            service.clock.advance(milliseconds: -5)
            await alice.leave("lobby")
        }
        await alice.join("lobby")
        let versions = watcher.frames.compactMap { $0.int("version") }
        #expect(versions.count == 7 && zip(versions, versions.dropFirst()).allSatisfy { $0 < $1 }, "\(versions)")
        let member = await watcher.join("lobby").list("members")[0]
        #expect(member["userId"]?.string == "alice" && member["version"]?.int64 == versions.last)
    }

    @Test func `a version rises above one that was forgotten`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        let before = await alice.join("lobby").list("members")[0]["version"]?.int64 ?? 0
        await alice.leave("lobby")
        await alice.join("lobby")
        await alice.leave("lobby")
        for item in service.table.memory.allItems() where item.key.sk == "USER#alice" {
            #expect(item.number("expiresAt") == service.clock.now().seconds + 86_400)
            _ = try await service.table.delete(item.key, if: nil)
        }
        service.advance(86_400)
        let after = await service.connect("alice").join("lobby").list("members")[0]["version"]?.int64 ?? 0
        #expect(after > before + 3)
    }

    @Test func `a frame has what the contract shows`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        await alice.join("lobby")
        await alice.leave("lobby")
        let at = ManualClock.start
        #expect(
            watcher.frames.map(\.description) == [
                #"{"type":"presence","event":"join","roomId":"lobby","userId":"alice","version":\#(at.milliseconds),"at":"\#(at)"}"#,
                #"{"type":"presence","event":"leave","roomId":"lobby","userId":"alice","version":\#(at.milliseconds + 1),"at":"\#(at)","reason":"left"}"#,
            ])
    }

    @Test func `a room above a thousand users sends no presence frames and says so`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("stadium")
        try await service.fill("stadium", (2...999).map { "user-\($0)" })
        let thousandth = await service.connect("yan")
        #expect(await thousandth.join("stadium")["presence"] == nil)
        #expect(watcher.presence == ["join yan"])

        let last = await service.connect("zoe")
        let joined = await last.join("stadium")
        #expect(joined.bool("presence") == false && joined.int("memberCount") == 1001)
        #expect(watcher.presence == ["join yan"])
        // A second device of a user does not make it larger.
        await last.leave("stadium")
        #expect(watcher.presence.last == "leave zoe left")
        let again = await service.connect("watcher").join("stadium")
        #expect(again["presence"] == nil && again.int("memberCount") == 1000)
        await service.connect("anna").join("small")
        #expect(Audit(service).faults == [], "unsent events count as published")
    }

    @Test(arguments: Layout.all) func `an event whose members could not be read is told by the sweep`(layout: Layout) async throws {
        let service = try Service(layout)
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        service.table.failReads { $0.range == .prefix("CONN#") && $0.pk.hasPrefix("ROOM#") }
        let alice = await service.connect("alice")
        #expect(await alice.send(#"{"action":"joinRoom","roomId":"lobby"}"#).type == "joined")
        #expect(watcher.presence == [])
        // Longer than a bucket is looked at.
        for _ in 1...5 {
            service.advance(60)
            _ = try? await service.sweep()
        }
        #expect(watcher.presence == [])
        service.table.failReads(nil)
        try await service.advance(60, sweepingEvery: 30)
        #expect(watcher.presence == ["join alice"])
        #expect(Audit(service).faults == [])
    }

    enum Move: String, CaseIterable, Sendable { case join, leave, disconnect }

    @Test(arguments: Move.allCases, Move.allCases)
    func `two devices moving at once end in what is so`(first: Move, second: Move) async throws {
        for stop in 1...4 {
            let service = try Service()
            let watcher = await service.connect("watcher")
            await watcher.join("lobby")
            let devices = [await service.connect("alice"), await service.connect("alice")]
            for (device, move) in zip(devices, [first, second]) where move != .join { await device.join("lobby") }
            @Sendable func make(_ move: Move, _ device: Client) async {
                switch move {
                case .join: await device.join("lobby")
                case .leave: await device.leave("lobby")
                case .disconnect: await device.disconnect()
                }
            }
            // The second moves whole just before a write of the first.
            let once = Once(), count = Counter()
            service.table.beforeAnyWrite {
                guard count.next() == stop, once.take() else { return }
                await make(second, devices[1])
            }
            await make(first, devices[0])
            service.table.beforeAnyWrite(nil)
            if once.take() { await make(second, devices[1]) }

            let events = watcher.frames.sorted { ($0.int("version") ?? 0) < ($1.int("version") ?? 0) }
            let kinds = events.compactMap { $0.string("event") }
            #expect(kinds == kinds.indices.map { $0.isMultiple(of: 2) ? "join" : "leave" }, "before write \(stop): \(events)")
            let isThere = first == .join || second == .join
            #expect(kinds.last == (isThere ? "join" : "leave"), "before write \(stop)")
            #expect(await watcher.join("lobby").int("memberCount") == (isThere ? 2 : 1), "before write \(stop)")
            #expect(Audit(service).faults == [], "before write \(stop)")
        }
    }

    @Test func `whoever re-enters gets told to those who saw the leave, in order`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        await alice.join("lobby")
        let (_, leaves) = await alice.ask(#"{"action":"leaveRoom","roomId":"lobby"}"#)
        let (_, joins) = await alice.ask(#"{"action":"joinRoom","roomId":"lobby"}"#)
        // Crossed, as fan-outs of two instances may.
        await joins()
        await leaves()
        let last = watcher.frames.max { ($0.int("version") ?? 0) < ($1.int("version") ?? 0) }
        #expect(last?.presence == "join alice")
        try await service.advance(180, sweepingEvery: 30)
        #expect(watcher.presence.count == 3, "each told once: \(watcher.presence)")
        #expect(Audit(service).faults == [])
    }
}
