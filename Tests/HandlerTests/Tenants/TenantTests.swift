import ChatModel
import ChatStore
import ChatWire
import Foundation
import Simulation
import Testing

/// Nothing of one tenant reaches another: no key, no frame, no count, no cursor. Contract section 2.
@Suite struct TenantTests {
    struct Run: Sendable, CustomTestStringConvertible {
        let engine: TenantWorld.Engine
        let pair: Int
        let seed: UInt64
        var testDescription: String { "\(engine), \(TenantScript.pairs[pair]), seed \(seed)" }
    }

    static let steps = 250
    static let runs = TenantScript.pairs.indices.flatMap { pair in
        TenantWorld.Engine.allCases.map { Run(engine: $0, pair: pair, seed: UInt64(pair + 1)) }
    }

    @Test(arguments: runs) func `a tenant reaches only its own, and is told what it would be told alone`(_ run: Run) async throws {
        var script = TenantScript(TenantScript.pairs[run.pair], seed: run.seed)
        let world = try TenantWorld(run.engine)
        var steps: [TenantWorld.Step] = []
        var ids: [[String]] = [[], []]
        for number in 0..<Self.steps {
            let step = script.next(world)
            steps.append(step)
            if case .connect(let tenant, let id, _) = step { ids[tenant].append(id) }
            _ = world.table.take()
            let reply = try await world.take(step)
            guard let tenant = step.tenant else { continue }
            for trace in world.table.take() where !own(trace, script.tenants[tenant], ids[tenant]) {
                Issue.record("seed \(run.seed), step \(number), \(step): touched \(trace)")
                return
            }
            guard let reply else { continue }
            script.hear(reply, tenant)
            if case .frame(_, _, let asked) = step, case let shown = others(script.secrets(of: 1 - tenant, world), reply, asked), !shown.isEmpty {
                Issue.record("seed \(run.seed), step \(number), \(step): answered \(reply) with \(shown)")
                return
            }
        }
        for tenant in 0...1 {
            let secrets = script.secrets(of: 1 - tenant, world)
            for frame in ids[tenant].flatMap(world.poster.frames) {
                #expect(others(secrets, frame, "").isEmpty, "seed \(run.seed): \(frame)")
            }
            let alone = try TenantWorld(run.engine)
            for step in steps where step.tenant == nil || step.tenant == tenant { try await alone.take(step) }
            let (together, solitary) = (world.told[tenant], alone.told[tenant])
            #expect(together.count == solitary.count, "seed \(run.seed)")
            let differing = zip(together, solitary).first { !bytesEqual($0, $1) }
            #expect(differing == nil, "seed \(run.seed), tenant \(tenant): together and alone \(differing.map { "\($0)" } ?? "")")
        }
    }

    @Test func `the runs do what they are for`() async throws {
        var types: [String: Int] = [:]
        for pair in TenantScript.pairs.indices {
            var script = TenantScript(TenantScript.pairs[pair], seed: UInt64(pair + 1))
            let world = try TenantWorld(.memory)
            var ids: [String] = []
            for _ in 0..<Self.steps {
                let step = script.next(world)
                if case .connect(_, let id, _) = step { ids.append(id) }
                guard let reply = try await world.take(step), let tenant = step.tenant else { continue }
                script.hear(reply, tenant)
                types[reply.code ?? reply.type ?? "connected", default: 0] += 1
                if reply["next"] != nil { types["next", default: 0] += 1 }
                if reply.bool("duplicate") == true { types["duplicate", default: 0] += 1 }
                if reply.bool("recovered") == true { types["recovered", default: 0] += 1 }
                if reply.int("delivered") ?? 0 > 0 { types["delivered", default: 0] += 1 }
            }
            for frame in ids.flatMap(world.poster.frames) { types["got \(frame.type ?? "")", default: 0] += 1 }
        }
        for wanted in [
            "connected", "joined", "left", "ack", "heartbeat", "online", "history", "refreshed", "next", "duplicate", "recovered", "delivered",
            "bad_request", "unauthorized", "forbidden", "not_joined", "got message", "got presence",
        ] {
            #expect(types[wanted] ?? 0 >= 5, "\(wanted): \(types)")
        }
    }

    /// Whether a key is the tenant's, or one of its connections', and so is the item.
    private func own(_ trace: WitnessedTable.Trace, _ tenant: String, _ ids: [String]) -> Bool {
        if let named = trace.tenant, !bytesEqual(named, tenant) { return false }
        let parts = (trace.key.pk.utf8.split(separator: UInt8(ascii: "#"), omittingEmptySubsequences: false)
            + trace.key.sk.utf8.split(separator: UInt8(ascii: "#"), omittingEmptySubsequences: false)).map { String(Substring($0)) }
        let isOwn = { (index: Int, names: [String]) in parts.indices.contains(index) && names.contains { bytesEqual($0, parts[index]) } }
        switch parts[0] {
        case "CONN": return isOwn(1, ids) && (parts.count < 5 || parts[2] != "ROOM" || isOwn(3, [tenant]))
        case "USER", "ROOM", "TENANT", "DM": return isOwn(1, [tenant])
        case "SENT": return isOwn(2, [tenant])
        // What is due is listed by time; a row names the connection that it is of.
        case "LEASE", "DUE": return isOwn(4, ids)
        default: return false
        }
    }

    /// Which of the other tenant's secrets a frame has that was not given them.
    private func others(_ secrets: [String], _ frame: Frame, _ asked: String) -> [String] {
        let (text, asked) = (Data(frame.bytes), Data(asked.utf8))
        return secrets.filter { secret in
            let secret = Data(secret.utf8)
            return text.range(of: secret) != nil && asked.range(of: secret) == nil
        }
    }
}
