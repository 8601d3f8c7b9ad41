import HTTPCodec
import WebSocketCodec

/// From the first packet to being in the room.
extension LoadEngine {
    func begin(_ connection: Connection, _ now: Int64) {
        connection.since = now
        connection.stage = .connecting
        opening += 1
        do throws(LoadError) {
            if let openers {
                try openers.open(connection.index, from: sources[connection.index]?.ip)
            } else {
                let transport = try PlainTransport(to: address, from: sources[connection.index])
                connection.transport = transport
                poller.add(transport.descriptor, writes: true, tag: connection.index)
            }
        } catch {
            end(connection, reason(error))
        }
    }

    /// TLS connections that are through, or not.
    func takeOpened() {
        guard let openers else { return }
        for (index, outcome) in openers.take() {
            let connection = connections[index]
            switch outcome {
            case .success(let transport) where connection.stage == .connecting:
                connection.transport = transport
                poller.add(transport.descriptor, tag: index)
                startUpgrade(connection)
            // It has been given up meanwhile.
            case .success(let transport): transport.close()
            case .failure(let error): end(connection, reason(error))
            }
        }
    }

    private func reason(_ error: LoadError) -> String {
        switch error {
        case .unreachable(_, let reason): reason
        case .system(_, let reason): reason
        default: error.description
        }
    }

    func writable(_ connection: Connection) {
        if connection.stage == .connecting {
            guard let transport = connection.transport as? PlainTransport else { return }
            if let failure = transport.failure { return end(connection, failure) }
            poller.update(transport.descriptor, writes: false, tag: connection.index)
            startUpgrade(connection)
        } else {
            flush(connection)
        }
    }

    private func startUpgrade(_ connection: Connection) {
        let opening = dialect.opening(connection.index)
        let upgrade = WebSocketUpgrade(
            host: endpoint.authority, target: opening.target, subprotocols: opening.subprotocols, fields: opening.fields)
        connection.upgrade = upgrade
        connection.stage = .upgrading
        write(upgrade.request.serialized(), to: connection)
    }

    /// Reads the answer to the handshake; gives how many bytes it took, or nil while it is incomplete.
    func readUpgrade(_ connection: Connection, _ bytes: RawSpan, _ now: Int64) -> Int? {
        var parser = HTTPResponseParser()
        parser.append(bytes)
        do {
            guard case .head(let head)? = try parser.next() else { return nil }
            _ = try connection.upgrade?.check(head)
        } catch let fault as WebSocketHandshakeFault {
            end(connection, Self.words(fault))
            return nil
        } catch {
            end(connection, "the answer is no HTTP")
            return nil
        }
        connection.upgrade = nil
        connection.stage = .joining
        outcome.connect.record(now - connection.since)
        arrivals.presence.asked(connection.index, at: monotonicNow())
        for payload in dialect.greeting(connection.index) { send(payload, to: connection) }
        return bytes.byteCount - parser.takeRemainder().count
    }

    private static func words(_ fault: WebSocketHandshakeFault) -> String {
        switch fault {
        case .refused(let status): "HTTP \(status) \(HTTPResponseHead.reasonPhrase(status))"
        default: "the answer is no WebSocket handshake"
        }
    }

    func joined(_ connection: Connection, _ now: Int64) {
        guard connection.stage == .joining else { return }
        connection.stage = .joined
        opening -= 1
        open += 1
        outcome.joined += 1
        outcome.join.record(now - connection.since)
        arrivals.ledger.joined(connection.index)
        arrivals.presence.joined(connection.index, at: now)
    }
}
