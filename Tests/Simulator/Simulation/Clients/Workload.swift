import ChatHandlers
import ChatModel
import ChatStore
import JSONCoding

/// Decides what the clients and a backend do next.
final class Workload {
    private unowned let world: World
    private var chance: Chance
    private(set) var devices: [Device] = []
    private var numbers = 0
    private var bodies = 0
    /// Frames and connects of the clients, and what the backend said, while things went wrong.
    private(set) var operations = 0

    private enum Operation: CaseIterable {
        case say, tell, tellEveryone, join, leave, heartbeat, online, history, refresh, bad, trespass, mistake, waver
        case hangUp, vanish, loseNetwork, gatewayCloses, backend, silence, kick

        var weight: Int {
            switch self {
            case .say: 26
            case .join: 16
            case .tell, .leave: 8
            case .heartbeat, .history: 5
            case .mistake, .waver: 4
            case .online, .hangUp, .loseNetwork, .backend: 4
            case .refresh, .bad, .vanish, .silence, .trespass: 3
            case .tellEveryone, .gatewayCloses, .kick: 2
            }
        }
    }

    private static let weighted = Operation.allCases.flatMap { Array(repeating: $0, count: $0.weight) }

    init(_ world: World, _ chance: Chance) {
        self.world = world
        self.chance = chance
        let scenario = world.scenario
        for number in 0..<scenario.devices {
            let tenant = self.chance.pick(scenario.tenants)
            let user = self.chance.pick(scenario.users)
            devices.append(
                Device(
                    world, self, name: "\(tenant.prefix(1))\(number)", tenant: tenant, user: user,
                    roles: self.chance.isOne(in: 3) ? ["admin"] : [], allowedRooms: self.chance.isOne(in: 10) ? ["lob*"] : nil,
                    self.chance.branch()))
        }
    }

    /// A client or the backend begins something.
    func begins() {
        if !world.isCalm { operations += 1 }
    }

    func nextNumber() -> Int {
        begins()
        numbers += 1
        return numbers
    }

    /// Begins operations, in bursts and after pauses, until there were enough.
    func run() async {
        for device in devices.prefix(3) { device.wake() }
        await world.executor.sleep(200)
        while operations < world.scenario.operations, !world.witness.isBroken {
            step()
            let pause =
                switch chance.below(40) {
                case 0...28: chance.below(25)
                case 29...36: chance.below(2000)
                default: chance.below(30_000)
                }
            await world.executor.sleep(pause)
        }
        world.atSweep = []
    }

    private func step() {
        let device = chance.pick(devices)
        let operation = chance.pick(Workload.weighted)
        if !device.isAwake { return device.wake() }
        if chance.isOne(in: 8) { return world.atSweep.append { [self] in begin(operation, device) } }
        begin(operation, device)
    }

    private func begin(_ operation: Operation, _ device: Device) {
        if operation == .backend { return speak(chance.pick(world.scenario.tenants)) }
        if operation == .kick { return kick(chance.pick(world.scenario.tenants), chance.pick(world.scenario.users), triesLeft: 2) }
        guard device.isOpen else { return }
        let rooms = device.rooms.keys.sorted()
        switch operation {
        case .say:
            guard !rooms.isEmpty else { return begin(.join, device) }
            device.ask(.send(saying(device.tenant, device.user, .room(chance.pick(rooms)))))
        case .tell: device.ask(.send(saying(device.tenant, device.user, .user(chance.pick(world.scenario.users)))))
        case .tellEveryone:
            guard device.maySpeakToEveryone else { return }
            device.ask(.send(saying(device.tenant, device.user, .everyone)))
        case .join: device.join(chance.pick(world.scenario.rooms))
        case .leave:
            guard !rooms.isEmpty else { return }
            device.ask(.leave(room: chance.pick(rooms)))
        case .heartbeat: device.ask(.heartbeat(rooms: chance.isOne(in: 2)))
        case .online:
            device.ask(
                .online(room: chance.isOne(in: 2) && !rooms.isEmpty ? chance.pick(rooms) : nil, limit: chance.pick([1, 2, 1000]), next: nil))
        case .history: look(device, rooms)
        case .refresh: device.ask(.refresh(expiresAt: world.now().seconds + Int64(chance.pick([20, 90, 86_400]))))
        case .bad: device.ask(.bad)
        case .waver:
            guard let room = rooms.isEmpty ? nil : chance.pick(rooms) else { return }
            waver(device, room)
        case .trespass: trespass(device)
        case .mistake: joinMistaken(device, chance.pick(world.scenario.rooms))
        case .backend, .kick: break
        case .hangUp: device.sleep(silently: false)
        case .vanish: device.sleep(silently: true)
        case .loseNetwork: device.loseNetwork()
        case .gatewayCloses: if let socket = device.socket { world.gateway.close(socket.id, .goingAway) }
        case .silence: device.beats.toggle()
        }
    }

    private func look(_ device: Device, _ rooms: [String]) {
        let target: Saying.Target = chance.isOne(in: 3) || rooms.isEmpty ? .user(chance.pick(world.scenario.users)) : .room(chance.pick(rooms))
        let seq = Int64(chance.below(12))
        let limit = chance.pick([1, 3, 300])
        switch chance.below(3) {
        case 0: device.ask(.history(target, after: nil, before: nil, limit: limit))
        case 1: device.ask(.history(target, after: seq, before: nil, limit: limit))
        default: device.ask(.history(target, after: nil, before: seq + 1, limit: limit))
        }
    }

    /// Leaves a room, comes back soon, and perhaps leaves again: what was tried before may still be on its way.
    private func waver(_ device: Device, _ room: String) {
        device.ask(.leave(room: room))
        let back = chance.below(3000)
        world.executor.after(back) { device.join(room) }
        if chance.isOne(in: 2) { world.executor.after(back + chance.below(3000)) { device.ask(.leave(room: room)) } }
    }

    /// Asks for what it must not have: it is not in the room, or no admin.
    private func trespass(_ device: Device) {
        let room = world.scenario.rooms.first { device.rooms[$0] == nil } ?? "cellar"
        switch chance.below(4) {
        case 0: device.ask(.send(saying(device.tenant, device.user, .room(room), isNamed: false)))
        case 1: device.ask(.history(.room(room), after: nil, before: nil, limit: 300))
        case 2: device.ask(.online(room: room, limit: 1000, next: nil))
        default:
            let target = device.maySpeakToEveryone ? Saying.Target.room(room) : .everyone
            device.ask(.send(saying(device.tenant, device.user, target, isNamed: false)))
        }
    }

    /// Joins with another room's epoch, with more than there is, or as one who has lost everything.
    private func joinMistaken(_ device: Device, _ room: String) {
        let known = device.rooms[room]
        switch chance.below(3) {
        case 0: device.ask(.join(room: room, since: known?.whole ?? 0, epoch: "another"))
        case 1: device.ask(.join(room: room, since: 100_000, epoch: known?.epoch))
        default: device.ask(.join(room: room, since: 0, epoch: known?.epoch))
        }
    }

    private func saying(_ tenant: String, _ sender: String, _ target: Saying.Target, isNamed: Bool = true) -> Saying {
        bodies += 1
        // Ids that another sender, or the same one elsewhere, may use too.
        let id = chance.isOne(in: 4) || !isNamed ? nil : target == .everyone ? nil : chance.isOne(in: 3) ? "m\(chance.below(3))" : "id-\(bodies)"
        var body = "\(tenant) says \(bodies)"
        if let bytes = world.scenario.bodyBytes { body += String(repeating: ".", count: bytes - body.utf8.count) }
        let saying = Saying(body: body, tenant: tenant, sender: sender, target: target, clientMessageID: id)
        world.witness.meant(saying)
        return saying
    }

    // MARK: - A backend

    private func speak(_ tenant: String) {
        let target: Saying.Target =
            switch chance.below(5) {
            case 0: .everyone
            case 1: .user(chance.pick(world.scenario.users))
            default: .room(chance.pick(world.scenario.rooms))
            }
        publish(saying(tenant, "robot", target), triesLeft: 3)
    }

    private func publish(_ saying: Saying, triesLeft: Int) {
        begins()
        saying.tries.append(world.executor.now)
        let payload = Workload.event(saying)
        world.functions.invoke("Publish", .backend) { instance in
            let outcome = await Publish(instance.services).handle(payload)
            return (outcome.response.body ?? [], outcome.response.statusCode, outcome.afterward)
        } done: { [self] invocation, outcome in
            world.witness.published(saying, outcome?.answer, outcome?.status, invocation)
            guard outcome?.status != 200, triesLeft > 0, saying.clientMessageID != nil else { return }
            world.executor.after(500 + chance.below(3000)) { self.publish(saying, triesLeft: triesLeft - 1) }
        } over: { [world] in world.witness.finished(nil, $0) }
    }

    // MARK: - An operator

    private func kick(_ tenant: String, _ user: String, triesLeft: Int) {
        begins()
        let there = world.gateway.open(tenant, user)
        let sleep: @Sendable (Duration) async -> Void = { [executor = world.executor] in
            await executor.sleep(Int($0.components.seconds * 1000 + $0.components.attoseconds / 1_000_000_000_000_000))
        }
        world.functions.invoke("Kick", .backend) { instance in
            guard let tenant = TenantID(tenant), let id = UserID(user) else { preconditionFailure("a scenario's ids are ids") }
            let kick = Kick(instance.services, sleep: sleep)
            let report = try await kick.run(User(tenant, id))
            try await kick.settle(report)
            return (report.encoded(), 200, nil)
        } done: { [self] invocation, outcome in
            world.witness.kicked(tenant, user, isDone: outcome != nil, leaving: there.filter { $0.state == .open }, invocation)
            guard outcome == nil, triesLeft > 0 else { return }
            world.executor.after(500 + chance.below(3000)) { self.kick(tenant, user, triesLeft: triesLeft - 1) }
        } over: { [world] in world.witness.finished(nil, $0) }
    }

    private static func event(_ saying: Saying) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("tenantId", saying.tenant)
        writer.member("senderId", saying.sender)
        switch saying.target {
        case .room(let room): writer.member("roomId", room)
        case .user(let user): writer.member("destinationUserId", user)
        case .everyone: writer.member("everyone", true)
        }
        writer.member("body", saying.body)
        writer.member("clientMessageId", ifPresent: saying.clientMessageID)
        writer.endObject()
        return writer.bytes
    }
}
