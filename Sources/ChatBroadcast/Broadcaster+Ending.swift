import ChatModel
import ChatStore
import Logs

extension RoomBroadcaster {
    /// Ends a connection if nobody has yet: out of its rooms, told to their members, its rows deleted, its socket closed.
    ///
    /// Whoever marks it first publishes; everyone else is silent. What a crash leaves half done the sweep takes up.
    /// - Returns: whether this call ended it.
    @discardableResult
    public func end(
        _ id: ConnectionID, _ reason: EndReason, _ policy: EndPolicy = .always
    ) async throws(TableError) -> Bool {
        guard case .claimed(let connection) = try await repository.claimEnd(id, reason, policy) else { return false }
        try await carryOut(connection, reason)
        return true
    }

    /// Walks the rooms of a connection that is marked ended (or whose item is gone) and deletes it last. Every step can be
    /// done again without harm.
    public func carryOut(_ connection: EndingConnection, _ reason: EndReason) async throws(TableError) {
        let now = clock.now()
        if reason != .disconnected {
            let tokenIsOver = connection.tokenExpiresAt.map { $0 <= now } ?? false
            await poster.close(connection.id, tokenIsOver ? .tokenExpired : .goingAway)
        }
        for name in connection.rooms.sorted() {
            guard let roomID = RoomID(name) else { continue }
            let left = try await repository.leave(
                connection.id, connection.user, Room(connection.user.tenantID, roomID), reason, noting: false, at: now)
            if let left { await publish(left) }
        }
        try await repository.finishEnd(connection)
        log.debug("connection ended", ["connectionId": connection.id.text, "reason": reason.rawValue])
    }

    /// Ends connections that a post found gone, but for those young enough to be still inside `$connect`.
    func endStale(_ gone: [ConnectionID]) async {
        guard !gone.isEmpty else { return }
        let connectedBy = clock.now() - Limits.connectGrace
        for id in gone {
            do throws(TableError) {
                try await end(id, .stale, .ifConnectedBy(connectedBy))
            } catch {
                log.warning("stale not ended", ["connectionId": id.text, "error": "\(error)"])
            }
        }
    }
}

extension RoomBroadcaster {
    /// Ends for good a connection known to be dead, taking up what somebody else began and did not finish.
    public func clear(_ id: ConnectionID, _ user: User, wheelMinute: Int64? = nil) async throws(TableError) {
        switch try await repository.claimEnd(id, .expired, .always) {
        case .claimed(let connection), .alreadyEnding(let connection): try await carryOut(connection, .expired)
        case .absent: try await carryOut(try await repository.remains(of: id, user, wheelMinute: wheelMinute), .expired)
        case .spared: break
        }
    }
}
