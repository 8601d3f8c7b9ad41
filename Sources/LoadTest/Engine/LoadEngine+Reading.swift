import WebSocketCodec

/// From bytes to payloads: headers are read where they arrived, and only the rest of a cut frame is ever copied.
extension LoadEngine {
    func readable(_ connection: Connection) {
        guard let transport = connection.transport else { return }
        while true {
            let kept = connection.pending.count
            if kept > 0 { unsafe connection.pending.withUnsafeBytes { unsafe buffer.copyMemory(from: $0) } }
            let space = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[kept...])
            switch unsafe transport.receive(into: space) {
            case .bytes(let count):
                connection.pending.removeAll(keepingCapacity: true)
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<(kept + count)])
                unsafe take(bytes, connection)
                guard connection.transport != nil else { return }
                if !transport.buffersInside, count < Self.maxFrame { return }
            case .nothingYet: return
            case .end: return end(connection, "closed without a close frame")
            case .failure(let reason): return end(connection, reason)
            }
        }
    }

    private func take(_ buffer: UnsafeRawBufferPointer, _ connection: Connection) {
        let now = monotonicNow()
        lastArrival = now
        let received = arrivals.ledger.received
        let bytes = unsafe buffer.bytes
        var offset = 0
        if connection.stage == .upgrading {
            guard let taken = readUpgrade(connection, bytes, now) else {
                if connection.transport != nil { unsafe connection.pending.append(contentsOf: buffer) }
                return
            }
            offset = taken
        }
        arrivals.now = now
        offset = frames(bytes, from: offset, connection)
        if arrivals.ledger.received != received { lastDelivery = now }
        guard connection.transport != nil, offset < buffer.count else { return }
        unsafe connection.pending.append(contentsOf: buffer[offset...])
    }

    /// Reads whole frames; gives where the first incomplete one begins.
    private func frames(_ bytes: RawSpan, from start: Int, _ connection: Connection) -> Int {
        var offset = start
        while offset + 2 <= bytes.byteCount {
            let opening = bytes.byte(offset)
            var length = Int(bytes.byte(offset + 1))
            var header = 2
            // A mask bit makes the length 128 or more, which no server may send.
            if length == 126 {
                guard offset + 4 <= bytes.byteCount else { break }
                length = Int(bytes.byte(offset + 2)) << 8 | Int(bytes.byte(offset + 3))
                header = 4
            } else if length > 126 {
                guard length == 127 else { end(connection, "masked frame"); break }
                guard offset + 10 <= bytes.byteCount else { break }
                length = (2..<10).reduce(0) { $0 << 8 | Int(bytes.byte(offset + $1)) }
                header = 10
                guard 0 <= length, length <= Self.maxFrame - header else { end(connection, "frame too large"); break }
            }
            let next = offset + header + length
            guard next <= bytes.byteCount else { break }
            let payload = bytes.extracting(offset + header..<next)
            if opening == 0x81 || opening == 0x82 {
                deliver(payload, connection)
            } else {
                readOther(opening, payload, connection)
            }
            offset = next
            guard connection.transport != nil else { break }
        }
        return offset
    }

    @inline(__always)
    private func deliver(_ payload: RawSpan, _ connection: Connection) {
        arrivals.connection = connection.index
        dialect.read(payload, connection.index, arrivals)
        if !arrivals.happenings.isEmpty { handleHappenings(connection) }
    }

    /// Control frames and fragments (RFC 6455 sections 5.4 and 5.5).
    private func readOther(_ opening: UInt8, _ payload: RawSpan, _ connection: Connection) {
        let bytes = unsafe payload.withUnsafeBytes { unsafe Array($0) }
        switch opening {
        case 0x88: readClose(bytes, connection)
        case 0x89: write(FrameEncoder.frame(.pong, bytes, mask: masks.next()), to: connection)
        case 0x8A: break
        case 0x01, 0x02:
            connection.isFragmented = true
            connection.fragments = bytes
        case 0x00 where connection.isFragmented: connection.fragments += bytes
        case 0x80 where connection.isFragmented:
            let whole = connection.fragments + bytes
            connection.fragments = []
            connection.isFragmented = false
            unsafe deliver(whole.span.bytes, connection)
        default: end(connection, "protocol fault")
        }
    }

    private func readClose(_ payload: [UInt8], _ connection: Connection) {
        let code = payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : 1005
        let reason = String(decoding: payload.dropFirst(2), as: UTF8.self)
        if connection.stage != .closing {
            write(FrameEncoder.close(.normal, mask: masks.next()), to: connection)
            end(connection, "close \(code)" + (reason.isEmpty ? "" : " \(reason)"))
        }
    }

    private func handleHappenings(_ connection: Connection) {
        let happenings = arrivals.happenings
        arrivals.happenings.removeAll(keepingCapacity: true)
        for happening in happenings {
            switch happening {
            case .joined(let presence):
                if !presence { tellsPresence = false }
                joined(connection, arrivals.now)
            case .answer(let payload): send(payload, to: connection)
            case .interval(let seconds):
                guard heartbeatInterval == nil, seconds > 0 else { break }
                heartbeatInterval = Int64(seconds) * Self.second
                heartbeatStart = arrivals.now
            case .online(let members, let more): heardOnline(connection, members, more)
            case .failed(let reason): end(connection, reason)
            case .everywhere(let room): publishNext(room: room)
            }
        }
    }
}
