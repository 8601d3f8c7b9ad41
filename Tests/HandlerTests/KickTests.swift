import ChatBroadcast
import ChatModel
import ChatStore
import ChatWire
import Simulation
import Testing

@testable import ChatHandlers

extension Service {
    func kick(_ user: String, _ tenant: String = "acme") async throws -> KickReport {
        let kick = Kick(services) { [clock] in clock.advance(milliseconds: $0.milliseconds) }
        let report = try await kick.run(User(try #require(TenantID(tenant)), try #require(UserID(user))))
        try await kick.settle(report)
        return report
    }

    func status(_ token: String) async -> Int { await connect(connectEvent(token: token)).statusCode }

    func refresh(_ client: Client, _ token: String) async -> Frame {
        await client.send(#"{"action":"refreshToken","token":"\#(token)"}"#)
    }
}

/// Removing a user: contract sections 1 and 2.
@Suite struct KickTests {
    let service: Service

    init() throws { service = try Service() }

    @Test(arguments: Layout.all) func `every connection of the user ends and nobody else's`(layout: Layout) async throws {
        let service = try Service(layout)
        let watcher = await service.connect("watcher")
        let namesake = await service.connect("alice", "globex")
        var devices: [Client] = []
        for _ in 0..<20 { devices.append(await service.connect("alice")) }
        for (place, device) in devices.enumerated() {
            await device.join("lobby")
            if place % 2 == 0 { await device.join("den") }
        }
        await watcher.join("lobby")
        await watcher.join("den")
        await namesake.join("lobby")
        service.poster.forgetFrames()

        #expect(try await service.kick("alice").connections == 20)
        #expect(devices.allSatisfy { $0.close == .removed })
        #expect(service.poster.open == [watcher.id, namesake.id])
        #expect(watcher.presence.sorted() == ["leave alice disconnected", "leave alice disconnected"], "one for each room")
        #expect(devices.allSatisfy { $0.frames.isEmpty }, "nobody is told of their own end")
        for device in devices { #expect(await device.heartbeat().code == "gone") }
        for device in devices { #expect(await device.disconnect() == 200) }
        #expect(watcher.presence.count == 2, "what $disconnect says later is known")
        #expect(await namesake.say("still here", in: "lobby").type == "ack")
        #expect(Audit(service).faults == [])
    }

    @Test func `tokens issued by then are refused and later ones let in`() async throws {
        let before = service.token("alice")
        service.advance(2)
        let same = service.token("alice")
        let report = try await service.kick("alice")
        #expect(report.user == service.user("alice") && report.connections == 0)
        #expect(report.refusedUntil == Timestamp(milliseconds: (ManualClock.start.seconds + 3) * 1000 - 1))
        #expect(report.refusedUntil < service.clock.now(), "it returns when the second is over")
        #expect(await service.status(before) == 401)
        #expect(await service.status(same) == 401)
        #expect(await service.status(service.token("alice")) == 200)
        #expect(await service.status(service.token("alice", "globex")) == 200)
        #expect(await service.status(service.token("bob")) == 200)
    }

    @Test(arguments: [nil, "soon", "-1", "0", "1800000000", "1800000001"])
    func `what an authorizer says of the token's age is judged alike, and nothing counts as before`(issuedAt: String?) async throws {
        var event = service.connectEvent()
        event.context.authorizer = ["userId": "alice", "tenantId": "acme"]
        event.context.authorizer["iat"] = issuedAt
        #expect(await service.connect(event).statusCode == 200)
        _ = try await service.kick("alice")
        event.context.connectionID = service.nextConnectionID()
        #expect(await service.connect(event).statusCode == (issuedAt == "1800000001" ? 200 : 401))
    }

    @Test func `the refusal of one who never connected, and of one who is long gone, stays`() async throws {
        let old = service.token("alice", expiresIn: 1_000_000)
        let never = service.token("nobody", expiresIn: 1_000_000)
        #expect(await service.status(old) == 200)
        #expect(try await service.kick("nobody").connections == 0)
        #expect(try await service.kick("alice").connections == 1)
        try await service.sweptSoFar()
        let client = await service.connect("alice")
        await client.disconnect()
        let silent = await service.connect("alice")
        try await service.advance(1200, sweepingEvery: 60)
        #expect(silent.close == .goingAway)
        #expect(await service.status(old) == 401)
        #expect(await service.status(never) == 401)
        #expect(Audit(service).faults == [])
    }

    @Test func `a kick after another finds nobody, and never takes back what was refused`() async throws {
        let old = service.token("alice")
        _ = await service.connect("alice")
        service.advance(10)
        let first = try await service.kick("alice")
        service.clock.advance(milliseconds: -5000)
        let second = try await service.kick("alice")
        #expect((first.connections, second.connections) == (1, 0))
        #expect(second.refusedUntil == first.refusedUntil, "a clock that is behind undoes nothing")
        #expect(await service.status(service.token("alice")) == 401)
        #expect(await service.status(old) == 401)
        service.advance(10)
        #expect(await service.status(service.token("alice")) == 200)
        #expect(try await service.kick("alice").connections == 1)
    }

    // Races

    @Test func `a connect that is behind the refusal is refused, and leaves nothing`() async throws {
        let token = service.token("alice")
        let once = Once()
        service.table.beforeAnyWrite { [service] in
            if once.take() { #expect(try! await service.kick("alice").connections == 0) }
        }
        #expect(await service.status(token) == 401)
        #expect(service.poster.open.isEmpty)
        #expect(service.table.memory.allItems().count == 1)
    }

    @Test func `a connect that is before the refusal is ended`() async throws {
        let token = service.token("alice")
        let once = Once()
        service.table.beforeAnyWrite { [service] in
            if once.take() { #expect(await service.status(token) == 200) }
        }
        #expect(try await service.kick("alice").connections == 1)
        #expect(service.poster.open.isEmpty)
        #expect(service.poster.closes.map(\.code) == [.removed])
        #expect(Audit(service).faults == [])
    }

    @Test func `a connect that is delivered again after the kick is refused`() async throws {
        let event = service.connectEvent(token: service.token("alice"))
        #expect(await service.connect(event).statusCode == 200)
        let once = Once()
        service.table.beforeAnyWrite { [service] in
            // The first delivery's connection is ended, and still there.
            guard once.take() else { return }
            _ = try? await service.services.repository.refuse(service.user("alice"), tokensIssuedBy: service.clock.now().seconds)
        }
        #expect(await service.connect(event).statusCode == 401)
    }

    @Test func `a connection whose $connect was still running is closed once it is let in`() async throws {
        let event = service.connectEvent(token: service.token("alice"))
        // The gateway has not been answered yet.
        let outcome = await Connect(service.services).handle(event)
        #expect(outcome.response.statusCode == 200)
        let kick = Kick(service.services) { [service] duration in
            service.clock.advance(milliseconds: duration.milliseconds)
            service.poster.connect(event.context.connectionID)
        }
        let report = try await kick.run(service.user("alice"))
        #expect(report.connections == 1 && service.poster.closes.isEmpty)
        try await kick.settle(report)
        #expect(service.poster.open.isEmpty && service.poster.closes.map(\.code) == [.removed])
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `of connects, frames and refreshes beside a kick none is left`(seed: UInt64) async throws {
        let service = try Service(yieldSeed: seed)
        let other = try Service(beside: service)
        let tokens = (0..<12).map { _ in service.token("alice") }
        var devices: [Client] = []
        for _ in 0..<4 { devices.append(await service.connect("alice")) }
        for device in devices { await device.join("lobby") }
        let kicked = await withTaskGroup(of: KickReport?.self) { group in
            for token in tokens {
                group.addTask {
                    #expect([200, 401].contains(await service.status(token)))
                    return nil
                }
            }
            for (device, token) in zip(devices, tokens) {
                group.addTask {
                    let answer = await other.refresh(Client(service: other, id: device.id), token)
                    #expect(answer.type == "refreshed" || ["gone", "unauthorized"].contains(answer.code), "\(answer)")
                    return nil
                }
                group.addTask {
                    await Client(service: other, id: device.id).say("x", in: "lobby")
                    return nil
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    do { return try await service.kick("alice") } catch {
                        Issue.record("\(error)")
                        return nil
                    }
                }
            }
            return await group.reduce(into: [KickReport]()) { if let report = $1 { $0.append(report) } }
        }
        #expect(kicked.count == 2)
        for id in service.poster.open { #expect(await Client(service: service, id: id).heartbeat().code == "gone") }
        let live = service.table.memory.allItems().filter { $0.key.pk.hasPrefix("CONN#") }
        #expect(live.isEmpty, "\(live.map(\.key.pk))")
        #expect(await service.status(tokens[0]) == 401)
        #expect(await service.status(service.token("alice")) == 200)
        #expect(Audit(service).faults == [])
    }

    @Test func `a connection that ends while its user is kicked does not take the refusal with it`() async throws {
        let token = service.token("alice")
        let client = await service.connect("alice")
        let user = service.user("alice")
        let writes = Counter()
        service.table.beforeAnyWrite { [service] in
            // It is marked; the end has read that it is the last, and is about to delete the user's item.
            guard writes.next() == 2 else { return }
            _ = try? await service.services.repository.refuse(user, tokensIssuedBy: service.clock.now().seconds)
        }
        await client.disconnect()
        #expect(await service.status(token) == 401)
        #expect(Audit(service).faults == [])
    }

    // Refreshing

    @Test func `a connection that is kicked refreshes nothing, on either side of the kick`() async throws {
        let client = await service.connect("alice")
        let once = Once()
        service.table.beforeWrite { [service] clauses in
            guard clauses.contains(where: \.isLease), once.take() else { return }
            #expect(try! await service.kick("alice").connections == 1)
        }
        service.advance(10)
        #expect(await service.refresh(client, service.token("alice")).code == "gone")
        #expect(await service.refresh(client, service.token("alice")).code == "gone")
        #expect(Audit(service).faults == [])
    }

    @Test func `a later connection takes no earlier token`() async throws {
        let old = service.token("alice", expiresIn: 1_000_000)
        _ = try await service.kick("alice")
        let client = await service.connect("alice", expiresIn: 600)
        #expect(await service.refresh(client, old).code == "unauthorized")
        #expect(await service.refresh(client, service.token("alice", expiresIn: 700)).type == "refreshed")
        // Another instance does not know whose connection it is.
        let other = try Service(beside: service)
        #expect(await service.refresh(Client(service: other, id: client.id), old).code == "unauthorized")
    }

    // Failures

    @Test func `a socket that cannot be closed is said, gets nothing more, and is closed by the next try`() async throws {
        let watcher = await service.connect("watcher")
        let devices = [await service.connect("alice"), await service.connect("alice")]
        for client in devices + [watcher] { await client.join("lobby") }
        service.poster.fail(devices[0].id)
        await #expect(throws: KickError.mayBeOpen) { try await service.kick("alice") }
        #expect(devices[1].close == .removed)
        #expect(watcher.presence.last == "leave alice disconnected")
        service.poster.fail(devices[0].id, false)
        service.poster.forgetFrames()
        await watcher.say("among us", in: "lobby")
        #expect(devices[0].frames.isEmpty)
        #expect(await devices[0].heartbeat().code == "gone")
        #expect(try await service.kick("alice").connections == 1)
        #expect(devices[0].close == .removed)
        #expect(Audit(service).faults == [])
    }

    @Test(arguments: 1...12, ProbedTable.Moment.allCases)
    func `whatever write fails, the next try does the rest`(write: Int, moment: ProbedTable.Moment) async throws {
        let token = service.token("alice")
        let watcher = await service.connect("watcher")
        let devices = [await service.connect("alice"), await service.connect("alice")]
        for client in [watcher] + devices { await client.join("lobby") }
        service.table.fail(ProbedTable.Fault(write: write, moment: moment, isFatal: false))
        let report = try? await service.kick("alice")
        if write == 1 { #expect(report == nil, "nothing is refused yet, and that is said") }
        service.table.fail(nil)
        _ = try await service.kick("alice")
        #expect(await service.status(token) == 401)
        #expect(devices.allSatisfy { $0.close == .removed })
        try await service.sweptSoFar()
        try await service.advance(300, sweepingEvery: 60)
        await watcher.heartbeat()
        try await service.advance(400, sweepingEvery: 60)
        #expect(Set(watcher.presence.filter { $0.hasPrefix("leave alice") }) == ["leave alice disconnected"])
        #expect(Audit(service).faults == [])
    }

    @Test func `connections that TTL deleted are cleared away`() async throws {
        try await service.sweptSoFar()
        let client = await service.connect("alice")
        await client.join("lobby")
        let id = try #require(ConnectionID(client.id))
        _ = try await service.table.memory.delete(Keys.connection(id), if: nil)
        _ = try await service.kick("alice")
        #expect(client.close == .removed)
        #expect(service.table.memory.allItems().allSatisfy { !$0.key.sk.hasPrefix("CONN#") || $0.key.pk.hasPrefix("LEASE#") })
        // Nothing but the connection said in which minute of the wheel it was.
        try await service.advance(700, sweepingEvery: 60)
        #expect(Audit(service).faults == [])
    }
}

extension Service {
    fileprivate func user(_ name: String) -> User { User(TenantID("acme")!, UserID(name)!) }
}

extension Duration {
    fileprivate var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
