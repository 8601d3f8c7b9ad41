import ChatBroadcast
import ChatModel
import Gateway
import Synchronization
import WebSocketCodec

/// The sockets of this process. The gateway is bound after the table is opened: until then nobody is connected.
final class LocalPoster: Poster {
    private let gateway = Mutex<Gateway?>(nil)

    func attach(_ gateway: Gateway) { self.gateway.withLock { $0 = gateway } }

    private var attached: Gateway? { gateway.withLock { $0 } }

    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        Delivery(gone: attached?.post(frame, to: connections) ?? connections)
    }

    func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing {
        let reason =
            switch code {
            case .goingAway: "Going away"
            case .tokenExpired: "token expired"
            case .removed: "removed by an operator"
            }
        let isThere = attached?.close(
            connection, code: WebSocketCloseCode(rawValue: code.rawValue), reason: reason, orOnceConnected: true)
        return isThere == true ? .closed : .absent
    }
}

extension LocalPoster: RoomSockets {
    func makeTopic() -> Topic { attached?.makeTopic() ?? Topic() }
    func subscribe(_ id: ConnectionID, to topic: Topic) { attached?.subscribe(id, to: topic) }
    func unsubscribe(_ id: ConnectionID, from topic: Topic) { attached?.unsubscribe(id, from: topic) }
    func publish(_ frame: [UInt8], to topic: Topic, except: ConnectionID?, moreFollows: Bool) {
        attached?.publish(frame, to: topic, except: except, moreFollows: moreFollows)
    }
}
