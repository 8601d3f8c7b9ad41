import ChatBroadcast
import ChatModel
import Gateway
import Synchronization
import WebSocketCodec

/// Posts to the sockets of this process.
final class LocalPoster: Poster {
    /// Set once the gateway is bound; nobody is connected before.
    private let gateway = Mutex<Gateway?>(nil)

    func attach(_ gateway: Gateway) { self.gateway.withLock { $0 = gateway } }

    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> [ConnectionID] {
        gateway.withLock { $0 }?.post(frame, to: connections) ?? connections
    }

    func close(_ connection: ConnectionID, _ code: ServerClose) async {
        let reason =
            switch code {
            case .goingAway: "Going away"
            case .tokenExpired: "token expired"
            case .removed: "removed by an operator"
            }
        _ = gateway.withLock { $0 }?.close(connection, code: WebSocketCloseCode(rawValue: code.rawValue), reason: reason)
    }
}
