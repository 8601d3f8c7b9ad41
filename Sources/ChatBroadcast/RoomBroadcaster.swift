import ChatModel
import ChatStore
import ChatWire
import Logs
import Metrics

/// Takes what was decided to everyone it concerns: after the decision was stored the frame is encoded once, every member
/// is tried, and connections found gone are ended.
public final class RoomBroadcaster: Sendable {
    let repository: ChatRepository
    let rooms: any RoomDirectory
    let poster: any Poster
    let order: any FanoutOrder
    let clock: any WallClock
    let metrics: Metrics
    let log: Log

    public init(
        repository: ChatRepository, rooms: any RoomDirectory, poster: any Poster, order: any FanoutOrder = Unordered(),
        clock: any WallClock, metrics: Metrics, log: Log
    ) {
        self.repository = repository
        self.rooms = rooms
        self.poster = poster
        self.order = order
        self.clock = clock
        self.metrics = metrics
        self.log = log
    }

    /// Sends a stored message to the members of its room, but for the sending connection.
    public func broadcast(_ message: Message, in room: Room, except sender: ConnectionID?) async {
        let position = FanoutPosition.message(partition: Keys.roomPartition(room), message.seq)
        await order.turn(position)
        let gone = await post(ServerFrame.message(message), to: room, except: sender)
        order.done(position)
        await endStale(gone)
    }

    /// Sends a direct message to the connections of its two users.
    public func deliver(_ message: Message, in stream: MessageStream, to connections: [ConnectionID]) async {
        let position = FanoutPosition.message(partition: stream.partition, message.seq)
        await order.turn(position)
        let gone = await poster.post(ServerFrame.message(message), to: connections).gone
        order.done(position)
        await endStale(gone)
    }

    /// Sends a frame to every connection of a tenant but one.
    public func broadcast(_ frame: [UInt8], toEveryoneIn tenant: TenantID, except sender: ConnectionID?) async {
        do throws(TableError) {
            let connections = try await repository.tenantConnections(tenant)
            await endStale(await poster.post(frame, to: connections.filter { $0 != sender }).gone)
        } catch {
            log.error("fanout failed", ["tenant": tenant.text, "error": "\(error)"])
        }
    }

    private func post(_ frame: [UInt8], to room: Room, except sender: ConnectionID?) async -> [ConnectionID] {
        do throws(TableError) {
            return try await rooms.post(frame, to: room, except: sender, upTo: nil,
                moreFollows: repository.isAppending(to: .room(room)))
        } catch {
            log.error("fanout failed", ["room": room.id.text, "error": "\(error)"])
            return []
        }
    }
}
