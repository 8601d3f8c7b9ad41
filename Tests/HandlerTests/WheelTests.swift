import ChatModel
import ChatStore
import Simulation
import Testing

/// The sweep moves a renewed lease's row in the wheel with three writes: the new row, the note of it, the old row's deletion.
@Suite struct WheelTests {
    private let service: Service
    private let alice: Client

    /// A lease that was renewed: it ends in five minutes, and its row in the wheel has come up.
    init() async throws {
        service = try Service()
        try await service.sweptSoFar()
        alice = await service.connect("alice")
        service.advance(300)
        await alice.heartbeat()
        service.advance(310)
    }

    /// The minutes in which the wheel has rows.
    private var rows: [Int64] {
        service.table.memory.allItems().map(\.key.pk).filter { $0.hasPrefix("LEASE#") }
            .compactMap { Int64($0.split(separator: "#")[1]) }.sorted()
    }

    /// 30 seconds end in the minute of the very row that is moved, 100 in a later one.
    @Test(arguments: [1, 2, 3], [30, 100] as [Int64])
    func `a token that becomes shorter while the sweep moves its row ends in time`(write: Int, seconds: Int64) async throws {
        let token = service.token("alice", expiresIn: seconds)
        let end = service.clock.now() + Seconds(seconds)
        let writes = Counter()
        service.table.beforeAnyWrite { [alice] in
            guard writes.next() == write else { return }
            let reply = await alice.send(#"{"action":"refreshToken","token":"\#(token)"}"#)
            #expect(reply.type == "refreshed")
        }
        try await service.sweep()
        service.table.beforeAnyWrite(nil)
        #expect(rows.contains { $0 <= Keys.minute(of: end) }, "\(rows)")
        #expect(Audit(service).faults == [], "what the connection notes is not later than its lease")

        service.advance(seconds)
        try await service.sweep()
        #expect(alice.close == .tokenExpired)
        try await service.advance(360, sweepingEvery: 60)
        #expect(rows == [])
        #expect(Audit(service).faults == [])
    }

    @Test(arguments: [1, 2], [false, true])
    func `a connection with two rows in the wheel leaves none behind`(write: Int, expires: Bool) async throws {
        service.table.fail(ProbedTable.Fault(write: write, moment: .after, isFatal: true))
        await #expect(throws: TableError.self) { try await service.sweep() }
        #expect(service.table.hasFailed)
        service.revive()
        #expect(rows.count == 2, "the move was broken off")

        if expires {
            service.advance(300)
        } else {
            await alice.disconnect()
        }
        try await service.sweep()
        try await service.advance(360, sweepingEvery: 60)
        #expect(rows == [])
        #expect(Audit(service).faults == [])
    }

    /// TTL is first, between the sweep's reading and its mark.
    @Test(arguments: [1, 2]) func `nor if it is gone when the sweep comes to end it`(write: Int) async throws {
        service.table.fail(ProbedTable.Fault(write: write, moment: .after, isFatal: true))
        await #expect(throws: TableError.self) { try await service.sweep() }
        service.revive()
        #expect(rows.count == 2, "the move was broken off")

        service.advance(300)
        let once = Once()
        service.table.beforeAnyWrite { [service, alice] in
            guard once.take(), let id = ConnectionID(alice.id) else { return }
            _ = try? await service.table.memory.delete(Keys.connection(id), if: nil)
        }
        try await service.sweep()
        service.table.beforeAnyWrite(nil)
        try await service.advance(360, sweepingEvery: 60)
        #expect(rows == [])
        #expect(Audit(service).faults == [])
    }
}
