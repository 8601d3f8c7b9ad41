import ChatModel
import ChatStore
import Logs

extension RoomBroadcaster {
    /// Ends a connection if nobody has yet: out of its rooms, told to their members, its rows deleted, its socket closed.
    ///
    /// Whoever marks it first publishes; everyone else is silent. What a crash leaves half done the sweep takes up.
    /// - Parameter wheelMinute: where the wheel has a row of it, which may be another than the connection notes.
    /// - Returns: whether this call ended it.
    @discardableResult
    public func end(
        _ id: ConnectionID, _ reason: EndReason, _ policy: EndPolicy = .always, wheelMinute: Int64? = nil
    ) async throws(TableError) -> Bool {
        guard case .claimed(let connection) = try await repository.claimEnd(id, reason, policy) else { return false }
        try await carryOut([connection.with(wheelMinute)], reason)
        return true
    }

    /// Ends for good a connection known to be dead, taking up what somebody else began and did not finish.
    public func clear(_ id: ConnectionID, _ user: User, wheelMinute: Int64? = nil) async throws(TableError) {
        switch try await repository.claimEnd(id, .expired, .always) {
        case .claimed(let connection), .alreadyEnding(let connection):
            try await carryOut([connection.with(wheelMinute)], .expired)
        case .absent: try await carryOut([try await repository.remains(of: id, user).with(wheelMinute)], .expired)
        case .spared: break
        }
    }

    /// Walks the rooms of connections that are marked ended (or whose items are gone) and deletes them last. Every step can
    /// be done again without harm.
    ///
    /// All are out of their rooms before anything is published, so that none is told of another; and what was decided is
    /// told, whatever fails after it. One that fails keeps none of the others: the first failure is thrown at the end.
    /// - Parameter kept: out of their rooms too, but not deleted: whoever ends them again finds them, or the sweep.
    public func carryOut(
        _ connections: [EndingConnection], _ reason: EndReason, keeping kept: Set<ConnectionID> = []
    ) async throws(TableError) {
        var decided: [PendingPresence] = []
        var out: [EndingConnection] = []
        var failure: TableError?
        for connection in connections {
            if reason != .disconnected { await close(connection) }
            do throws(TableError) {
                try await leaveRooms(connection, reason, &decided)
                out.append(connection)
            } catch {
                failure = failure ?? error
            }
        }
        await publish(decided)
        for connection in out where !kept.contains(connection.id) {
            do throws(TableError) {
                try await repository.finishEnd(connection)
                metrics.add(.connectionsEnded)
                log.debug("connection ended", ["connectionId": connection.id.text, "reason": reason.rawValue])
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    private func close(_ connection: EndingConnection) async {
        let tokenIsOver = connection.tokenExpiresAt.map { $0 <= clock.now() } ?? false
        await poster.close(connection.id, tokenIsOver ? .tokenExpired : .goingAway)
    }

    private func leaveRooms(
        _ connection: EndingConnection, _ reason: EndReason, _ decided: inout [PendingPresence]
    ) async throws(TableError) {
        let now = clock.now()
        for name in connection.rooms.sorted() {
            guard let roomID = RoomID(name) else { continue }
            let room = Room(connection.user.tenantID, roomID)
            let left = try await repository.leave(
                connection.id, connection.user, room, reason, noting: false, at: now)
            if let left { decided.append(left) }
        }
    }

    /// Ends connections that a post found gone, but for those young enough to be still inside `$connect`. What cannot be done
    /// now is logged, and the sweep's.
    public func endStale(_ gone: [ConnectionID]) async {
        guard !gone.isEmpty else { return }
        let connectedBy = clock.now() - Limits.connectGrace
        var claimed: [EndingConnection] = []
        do throws(TableError) {
            for id in gone {
                if case .claimed(let connection) = try await repository.claimEnd(id, .stale, .ifConnectedBy(connectedBy)) {
                    claimed.append(connection)
                }
            }
        } catch {
            log.warning("stale connections not all found", ["count": gone.count, "error": "\(error)"])
        }
        do throws(TableError) {
            try await carryOut(claimed, .stale)
        } catch {
            log.warning("stale connections not ended", ["count": claimed.count, "error": "\(error)"])
        }
    }
}
