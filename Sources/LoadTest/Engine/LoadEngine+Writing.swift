import WebSocketCodec

/// From payloads to bytes, and the end of a connection.
extension LoadEngine {
    func send(_ payload: [UInt8], to connection: Connection) {
        write(FrameEncoder.frame(dialect.opcode, payload, mask: masks.next()), to: connection)
        connection.lastSent = arrivals.now
    }

    func write(_ bytes: [UInt8], to connection: Connection) {
        guard let transport = connection.transport else { return }
        guard connection.output.isEmpty else {
            connection.output += bytes
            return
        }
        switch transport.send(bytes[...]) {
        case .bytes(bytes.count): break
        case .bytes(let count): keep(bytes[count...], connection)
        case .full: keep(bytes[...], connection)
        case .failure(let reason): end(connection, reason)
        }
    }

    private func keep(_ rest: ArraySlice<UInt8>, _ connection: Connection) {
        guard let transport = connection.transport else { return }
        connection.output = Array(rest)
        poller.update(transport.descriptor, writes: true, tag: connection.index)
    }

    func flush(_ connection: Connection) {
        guard let transport = connection.transport, !connection.output.isEmpty else { return }
        switch transport.send(connection.output[...]) {
        case .bytes(let count): connection.output.removeFirst(count)
        case .full: break
        case .failure(let reason): return end(connection, reason)
        }
        if connection.output.isEmpty { poller.update(transport.descriptor, writes: false, tag: connection.index) }
    }

    /// The connection is over, for this reason if it was not our wish.
    func end(_ connection: Connection, _ reason: String) {
        guard connection.stage != .ended else { return }
        switch connection.stage {
        case .connecting, .upgrading, .joining:
            opening -= 1
            outcome.failedToConnect[reason, default: 0] += 1
        case .joined:
            open -= 1
            outcome.dropped[reason, default: 0] += 1
            lastReason = reason
            arrivals.ledger.ended(connection.index, at: monotonicNow())
            arrivals.presence.left(connection.index)
        case .closing: closing -= 1
        case .waiting, .ended: break
        }
        connection.stage = .ended
        if let transport = connection.transport {
            poller.remove(transport.descriptor)
            transport.close()
        }
        connection.transport = nil
        connection.pending = []
        connection.output = []
    }
}
