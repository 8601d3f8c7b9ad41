import ChatModel
import Tokens

/// One client program of a user: it keeps the contract's own rules of recovery. After a loss it connects again, joins its rooms with the
/// `since` and `epoch` that it had, and says again under the same `clientMessageId` what was not acknowledged.
final class Device {
    /// How long it waits for an answer.
    private static let patience = 32_000

    let name: String
    let tenant: String
    let user: String
    let roles: [String]
    /// Rooms that its tokens allow; nil allows all.
    let allowedRooms: [String]?
    /// Whether it sends heartbeats while it has nothing to say.
    var beats = true
    /// Whether it wants to be connected.
    private(set) var isAwake = false
    private(set) var socket: Socket?
    private(set) var isOpen = false
    private(set) var rooms: [String: Room] = [:]
    /// Whether a post to its connection failed and never came.
    var hasMissed = false
    /// The newest presence of each user that it heard of, in rooms that it has left on this connection: an older one may still come.
    private var heard: [String: [String: Int64]] = [:]
    /// Rooms that it asked to be let into or out of on this connection, and has no answer.
    private var changing: Set<String> = []
    /// Said under a `clientMessageId` and not acknowledged, oldest first.
    private(set) var unsettled: [Saying] = []

    private unowned let world: World
    private unowned let workload: Workload
    private var chance: Chance
    /// A token that it had once, and may show again.
    private var keepsake: Pass?

    /// A token, with its dates in seconds.
    private struct Pass {
        var token: String
        var issuedAt: Int64
        var end: Int64
    }

    init(
        _ world: World, _ workload: Workload, name: String, tenant: String, user: String, roles: [String], allowedRooms: [String]?,
        _ chance: Chance
    ) {
        self.world = world
        self.workload = workload
        self.name = name
        self.tenant = tenant
        self.user = user
        self.roles = roles
        self.allowedRooms = allowedRooms
        self.chance = chance
    }

    // MARK: - What it wants

    func wake() {
        guard !isAwake else { return }
        isAwake = true
        connect()
    }

    /// Closes, or is gone without a word; wants nothing any more until it wakes.
    func sleep(silently: Bool) {
        isAwake = false
        if silently { vanish() } else { hangUp() }
        for room in rooms.keys { rooms[room]?.isJoined = false }
        unsettled = []
    }

    /// The network is gone: the server may not notice. It comes back by another connection.
    func loseNetwork() {
        vanish()
        connectSoon()
    }

    func ask(_ kind: Request.Kind) {
        guard isOpen, let socket, change(kind) else { return }
        var kind = kind
        var pass: Pass?
        if case .refresh(let end) = kind {
            let shown = old(chance.isOne(in: 3)) ?? mint(until: end)
            (kind, pass) = (.refresh(expiresAt: shown.end), shown)
        }
        let request = Request(workload.nextNumber(), kind, on: socket, token: pass?.token ?? "")
        if let pass { request.tokenIssuedAt = pass.issuedAt }
        if case .send(let saying) = kind {
            saying.tries.append(world.executor.now)
            // Without a name it cannot be told from another: better never than twice.
            if saying.clientMessageID != nil, !unsettled.contains(where: { $0 === saying }) { unsettled.append(saying) }
        }
        world.trace.note { "\(socket.id) > \(request.text)" }
        world.gateway.send(request, on: socket)
        world.executor.after(Device.patience) { [self] in
            if !request.isAnswered { failed(request) }
        }
    }

    /// Notes that a room is asked for, or left.
    /// - Returns: false for a room of which an answer is awaited: two requests at once may cross.
    private func change(_ kind: Request.Kind) -> Bool {
        switch kind {
        case .join(let room, _, _):
            guard changing.insert(room).inserted else { return false }
            if rooms[room] == nil { rooms[room] = Room(presence: (heard[room] ?? [:]).mapValues { ($0, false) }) }
        case .leave(let room):
            guard changing.insert(room).inserted else { return false }
            if let known = rooms[room] { heard[room] = known.presence.mapValues(\.version) }
            rooms[room] = nil
        default: break
        }
        return true
    }

    func join(_ room: String) {
        let known = rooms[room]
        ask(.join(room: room, since: known.flatMap { $0.epoch == nil ? nil : $0.whole }, epoch: known?.epoch))
    }

    // MARK: - What it hears

    func opened(_ socket: Socket) {
        guard self.socket === socket, socket.state == .open, !socket.isHalfOpen else { return }
        isOpen = true
        for room in rooms.keys.sorted() { join(room) }
        for saying in unsettled { say(again: saying, after: 50) }
        beat(socket)
    }

    func refused(_ socket: Socket, _ status: Int) {
        guard self.socket === socket else { return }
        self.socket = nil
        // Too many connections of this user: somebody has to go first.
        if status == 429 { isAwake = false } else { connectSoon() }
    }

    func closed(_ socket: Socket) {
        guard self.socket === socket else { return }
        lost()
        connectSoon()
    }

    func answered(_ request: Request, _ frame: Frame) {
        guard !request.isAnswered else { return }
        request.isAnswered = true
        guard socket === request.socket else { return }
        world.trace.note { "\(request.socket.id) < \(frame)" }
        switch (request.kind, frame.type) {
        case (.join(let room, _, _), "joined"):
            changing.remove(room)
            joined(room, frame)
        case (.leave(let room), "left"): changing.remove(room)
        case (.send(let saying), "ack"): unsettled.removeAll { $0 === saying }
        case (_, "error"): refusedFrame(request, frame)
        default: break
        }
    }

    /// No answer, or one that says that something failed.
    func failed(_ request: Request) {
        request.isAnswered = true
        guard socket === request.socket, isOpen else { return }
        switch request.kind {
        case .join(let room, _, _):
            again(request) { [self] in
                changing.remove(room)
                join(room)
            }
        case .send(let saying):
            say(again: saying, after: 200 + chance.below(3000))
        case .leave(let room):
            again(request) { [self] in
                changing.remove(room)
                ask(.leave(room: room))
            }
        default: break
        }
    }

    private func again(_ request: Request, _ body: @escaping () -> Void) {
        world.executor.after(200 + chance.below(2000)) { [self] in
            if socket === request.socket, isOpen { body() }
        }
    }

    func received(_ frame: Frame, on socket: Socket) {
        guard self.socket === socket else { return }
        world.trace.note { "\(socket.id) < \(frame)" }
        guard let room = frame.string("roomId") else { return }
        if frame.type == "message", let seq = frame.int("seq") { rooms[room]?.take(seq) }
        if frame.type == "presence", let user = frame.string("userId"), let version = frame.int("version") {
            if rooms[room] == nil { heard[room, default: [:]][user] = max(version, heard[room]?[user] ?? 0) }
            rooms[room]?.take(user, version, isIn: frame.string("event") == "join")
        }
    }

    // MARK: -

    private func joined(_ room: String, _ frame: Frame) {
        guard var known = rooms[room], let seq = frame.int("seq"), let epoch = frame.string("epoch") else { return }
        if frame.bool("recovered") == true {
            for missed in frame.seqs("missed") { known.take(missed) }
            known.whole = max(known.whole, seq)
        } else if !known.isJoined || known.epoch != epoch {
            // What is missing it knows to be missing.
            known.whole = max(seq, known.epoch == epoch ? known.whole : 0)
        }
        known.ahead = known.ahead.filter { $0 > known.whole }
        known.take(known.whole)
        known.epoch = epoch
        known.isJoined = true
        for member in frame.list("members") {
            if let user = member["userId"]?.string, let version = member["version"]?.int64 {
                known.list(user, version)
            }
        }
        rooms[room] = known
        for saying in unsettled where saying.target == .room(room) { say(again: saying, after: 20) }
    }

    private func refusedFrame(_ request: Request, _ frame: Frame) {
        switch frame.code {
        case "gone", "token_expired":
            hangUp()
            connectSoon()
        case "internal":
            request.isAnswered = false
            failed(request)
        default:
            if case .send(let saying) = request.kind, frame.code != "not_joined" { unsettled.removeAll { $0 === saying } }
            if case .join(let room, _, _) = request.kind {
                changing.remove(room)
                rooms[room] = nil
            }
        }
    }

    private func say(again saying: Saying, after delay: Int) {
        world.executor.after(delay) { [self] in
            guard unsettled.contains(where: { $0 === saying }) else { return }
            if case .room(let room) = saying.target, rooms[room]?.isJoined != true { return }
            ask(.send(saying))
        }
    }

    private func beat(_ socket: Socket) {
        let interval = Int(world.scenario.settings.heartbeatInterval.milliseconds)
        world.executor.after(interval - interval / 8 + chance.below(interval / 4 + 1)) { [self] in
            guard self.socket === socket, isOpen, isAwake else { return }
            if beats { ask(.heartbeat(rooms: chance.isOne(in: 3))) }
            beat(socket)
        }
    }

    private func connect() {
        guard isAwake, socket == nil else { return }
        workload.begins()
        let life: Int64 = !world.isCalm && chance.isOne(in: 8) ? Int64(20 + chance.below(80)) : 86_400
        let pass = old(chance.isOne(in: 6)) ?? mint(until: world.now().seconds + life)
        if keepsake.map({ $0.end < pass.end }) ?? true { keepsake = pass }
        var authorizer: [String: String] = [:]
        if world.scenario.hasAuthorizer {
            authorizer = ["userId": user, "tenantId": tenant, "exp": String(pass.end), "iat": String(pass.issuedAt), "roles": roles.joined(separator: " ")]
            if let allowedRooms { authorizer["rooms"] = allowedRooms.joined(separator: " ") }
        }
        socket = world.gateway.connect(self, token: pass.token, issuedAt: pass.issuedAt, authorizer: authorizer)
        world.trace.note { [socket] in "\(socket?.id ?? "") connects until \(pass.end), by a token of \(pass.issuedAt)" }
        let attempt = socket
        world.executor.after(35_000) { [self] in
            guard socket === attempt, !isOpen else { return }
            vanish()
            connectSoon()
        }
    }

    private func connectSoon() {
        world.executor.after(50 + chance.below(3000)) { [self] in connect() }
    }

    private func mint(until end: Int64) -> Pass {
        let now = world.now()
        let token = world.minter.mint(
            NewToken(user: user, tenant: tenant, rooms: allowedRooms, roles: roles, expiresIn: end - now.seconds), now: now.milliseconds)
        return Pass(token: token, issuedAt: now.seconds, end: end)
    }

    /// The token kept from before, if it has time left.
    private func old(_ wants: Bool) -> Pass? {
        guard wants, let keepsake, keepsake.end > world.now().seconds + 60 else { return nil }
        return keepsake
    }

    private func hangUp() {
        guard let socket else { return }
        world.trace.note { "\(socket.id) closes" }
        world.gateway.hangUp(socket)
        lost()
    }

    private func vanish() {
        guard let socket else { return }
        world.trace.note { "\(socket.id) vanishes" }
        world.gateway.vanish(socket)
        lost()
    }

    private func lost() {
        socket = nil
        isOpen = false
        hasMissed = false
        (changing, heard) = ([], [:])
        for room in rooms.keys {
            rooms[room]?.isJoined = false
            // Who goes meanwhile is told to others only.
            rooms[room]?.presence = [:]
        }
    }
}
