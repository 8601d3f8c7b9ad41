import ChatModel
import ChatStore
import ChatWire
import Logs

extension RoomBroadcaster {
    /// Tells the members of a room who came or went, then notes that they were told.
    ///
    /// Told is who was tried, and who a durable queue has taken the frame for: it outlives this process, as the mark would.
    /// The mark stays when the members could not be read: the sweep will publish it.
    /// - Returns: whether that is done, mark and all; if not, the sweep has to come back.
    @discardableResult
    public func publish(_ pending: PendingPresence) async -> Bool {
        let position = FanoutPosition.presence(
            partition: Keys.roomPartition(pending.room), pending.event.userID, pending.event.version)
        await order.turn(position)
        let told = await tell(pending)
        order.done(position)
        guard let gone = told else { return false }
        metrics.add(.presencePublished)
        var isDone = true
        do throws(TableError) {
            try await repository.published(pending)
        } catch {
            log.warning("presence mark kept", ["room": pending.room.id.text, "error": "\(error)"])
            isDone = false
        }
        await endStale(gone)
        return isDone
    }

    /// Tells of several events at once, so that none waits for the turn of another.
    func publish(_ events: [PendingPresence]) async {
        if events.count < 2 {
            for event in events { await publish(event) }
            return
        }
        await withTaskGroup(of: Void.self) { group in
            for event in events { group.addTask { await self.publish(event) } }
        }
    }

    /// - Returns: members found gone; nil if nobody could be told.
    private func tell(_ pending: PendingPresence) async -> [ConnectionID]? {
        do throws(TableError) {
            // Above this many users a room sends no presence frames.
            return try await rooms.post(
                ServerFrame.presence(pending.event), to: pending.room, except: pending.connectionID,
                upTo: Limits.presenceUsers, moreFollows: false)
        } catch {
            log.error("presence failed", ["room": pending.room.id.text, "error": "\(error)"])
            return nil
        }
    }
}
