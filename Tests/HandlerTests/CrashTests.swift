import ChatModel
import Simulation
import Testing

/// A write that fails, or a process that dies with it, at every write there is.
@Suite struct CrashTests {
    enum Step: String, CaseIterable, Sendable {
        case connect, join, joinSecondDevice, leave, send, sendOnce, direct, disconnect, gonePost, sweep, refresh, heartbeat
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var step: Step
        var moment: ProbedTable.Moment
        var isFatal: Bool
        var testDescription: String { "\(step), \(isFatal ? "dies" : "fails") \(moment) the write" }

        static let all = Step.allCases.flatMap { step in
            ProbedTable.Moment.allCases.flatMap { moment in
                [true, false].map { Case(step: step, moment: moment, isFatal: $0) }
            }
        }
    }

    @Test(arguments: Case.all)
    func `afterwards there is no ghost, no orphan, and everything was told`(crash: Case) async throws {
        var write = 0
        while true {
            write += 1
            let fault = ProbedTable.Fault(write: write, moment: crash.moment, isFatal: crash.isFatal)
            guard try await run(crash.step, fault) else { break }
            try #require(write < 40, "a step makes only so many writes")
        }
        #expect(write > 1, "the step writes at all")
    }

    /// - Returns: whether the step got as far as the fault.
    private func run(_ step: Step, _ fault: ProbedTable.Fault) async throws -> Bool {
        let service = try Service()
        try await service.sweptSoFar()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        await alice.join("den")
        if ![.join, .joinSecondDevice].contains(step) { await alice.join("lobby") }
        var second: Client?
        if step == .joinSecondDevice {
            second = await service.connect("alice")
            await second?.join("lobby")
        }
        service.advance(200)
        if step == .sweep {
            await watcher.heartbeat()
            service.advance(500)
        }
        await watcher.heartbeat()

        service.table.fail(fault)
        var ack: Frame?
        switch step {
        case .connect: _ = await service.connect(service.connectEvent(token: service.token("alice")))
        case .join, .joinSecondDevice: await alice.send(#"{"action":"joinRoom","roomId":"lobby"}"#)
        case .leave: await alice.send(#"{"action":"leaveRoom","roomId":"lobby"}"#)
        case .send: ack = await alice.say("x", in: "lobby")
        case .sendOnce: ack = await alice.say("x", in: "lobby", #","clientMessageId":"m""#)
        case .direct: ack = await alice.tell("watcher", "x")
        case .disconnect: await alice.disconnect()
        case .gonePost:
            service.poster.lose(alice.id)
            ack = await watcher.say("x", in: "lobby")
        case .sweep: _ = try? await service.sweep()
        case .refresh: await alice.send(#"{"action":"refreshToken","token":"\#(service.token("alice", expiresIn: 60))"}"#)
        case .heartbeat: await alice.heartbeat()
        }
        guard service.table.hasFailed else { return false }
        service.revive()
        let place: Comment = "write \(fault.write)"

        if step == .sendOnce {
            // The client that got no ack sends again.
            let again = await alice.say("x", in: "lobby", #","clientMessageId":"m""#)
            #expect(again.int("seq") == 1, place)
            #expect(again.bool("duplicate") == (ack?.type == "ack" || fault.moment == .after ? true : nil), place)
        }
        let speaker = step == .gonePost ? watcher : alice
        if step == .direct || step == .send || step == .sendOnce || step == .gonePost {
            let named = step == .direct ? #""destinationUserId":"watcher""# : #""roomId":"lobby""#
            let history = await speaker.send(#"{"action":"history",\#(named)}"#)
            if ack?.type == "ack" { #expect(history.seqs("messages") == [1], place) }
            #expect(history.seqs("messages").count <= 1, place)
        }

        // Nobody but the watcher ever says anything again.
        for _ in 1...4 {
            try await service.advance(300, sweepingEvery: 60)
            await watcher.heartbeat()
        }
        #expect(Audit(service).faults == [], place)
        #expect(service.poster.open.contains(watcher.id))
        let lobby = await watcher.send(#"{"action":"online","roomId":"lobby"}"#)
        #expect(lobby.strings("users", of: "userId") == ["watcher"], place)
        #expect(await watcher.join("lobby").strings("members", of: "userId") == ["watcher"], place)

        let events = watcher.frames.filter { $0.presence?.contains("alice") == true }
        let newest = events.max { ($0.int("version") ?? 0) < ($1.int("version") ?? 0) }
        // A join that never took effect was told to nobody; everything else ends with a leave.
        if newest != nil || step != .join { #expect(newest?.string("event") == "leave", place) }
        let kinds = Dictionary(grouping: events) { $0.int("version") ?? 0 }
        #expect(kinds.count <= 2, "\(events), write \(fault.write)")
        if !fault.isFatal { #expect(events.count <= kinds.count + 1, "told twice at most: \(events), write \(fault.write)") }
        return true
    }
}
