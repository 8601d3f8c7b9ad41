/// Collects one body from the received bytes, bounded by `maxBodyBytes`.
struct BodyDecoder: Sendable {
    private enum State {
        case counted(remaining: Int)
        case chunkSize
        case chunkData(remaining: Int)
        /// After a chunk's data: the CRLF that ends it.
        case chunkEnd
        case trailers(bytes: Int, fields: Int)
        case untilClose
    }

    private var state: State
    private var collected: [UInt8] = []
    private let limits: HTTPLimits

    init(_ framing: BodyFraming, _ limits: HTTPLimits) {
        self.limits = limits
        switch framing {
        case .length(let bytes):
            state = .counted(remaining: bytes)
        case .chunked: state = .chunkSize
        case .untilClose: state = .untilClose
        }
    }

    /// The whole body once it is here; nil while more bytes are needed.
    mutating func next(from buffer: inout ReceiveBuffer) throws(HTTPFault) -> [UInt8]? {
        while true {
            switch state {
            case .counted(let remaining):
                let left = collect(remaining, from: &buffer)
                state = .counted(remaining: left)
                return left == 0 ? collected : nil
            case .chunkSize:
                guard let line = try takeLine(from: &buffer, limit: HTTPLimits.maxChunkLineBytes, over: .malformedChunk)
                else { return nil }
                let size = try Self.chunkSize(line)
                guard size <= limits.maxBodyBytes - collected.count else { throw .bodyTooLarge }
                state = size == 0 ? .trailers(bytes: 0, fields: 0) : .chunkData(remaining: size)
            case .chunkData(let remaining):
                let left = collect(remaining, from: &buffer)
                state = left == 0 ? .chunkEnd : .chunkData(remaining: left)
                if left > 0 { return nil }
            case .chunkEnd:
                guard let line = try takeLine(from: &buffer, limit: 0, over: .malformedChunk) else { return nil }
                guard line.isEmpty else { throw .malformedChunk }
                state = .chunkSize
            case .trailers(let bytes, let fields):
                guard let line = try takeLine(from: &buffer, limit: limits.maxHeadBytes - bytes, over: .headTooLarge)
                else { return nil }
                if line.isEmpty { return collected }
                _ = try HeadGrammar.field(line)
                guard fields < limits.maxFields else { throw .headTooLarge }
                state = .trailers(bytes: bytes + line.count + 2, fields: fields + 1)
            case .untilClose:
                guard buffer.count <= limits.maxBodyBytes - collected.count else { throw .bodyTooLarge }
                _ = collect(buffer.count, from: &buffer)
                return nil
            }
        }
    }

    /// The body when the connection ended: whole only where the end of the connection is what ends it.
    func atClose() throws(HTTPFault) -> [UInt8] {
        guard case .untilClose = state else { throw .truncated }
        return collected
    }

    private mutating func collect(_ wanted: Int, from buffer: inout ReceiveBuffer) -> Int {
        let bytes = buffer.take(upTo: wanted)
        collected.append(contentsOf: bytes)
        return wanted - bytes.count
    }

    /// A line of at most `limit` bytes without its CRLF.
    private func takeLine(
        from buffer: inout ReceiveBuffer, limit: Int, over fault: HTTPFault
    ) throws(HTTPFault) -> ArraySlice<UInt8>? {
        switch buffer.takeLine(longest: limit) {
        case .complete(let line): return line
        case .incomplete: return nil
        case .bareLineFeed: throw .malformedChunk
        case .tooLong: throw fault
        }
    }

    /// `chunk-size [chunk-ext]` (RFC 9112 section 7.1); extensions are read over.
    private static func chunkSize(_ line: ArraySlice<UInt8>) throws(HTTPFault) -> Int {
        var size = 0
        var rest = line
        // Fifteen digits always fit an Int; leading zeros beyond that serve nobody.
        while let first = rest.first, let digit = ASCII.hexValue(first), line.count - rest.count < 15 {
            size = size << 4 | Int(digit)
            rest.removeFirst()
        }
        guard rest.count < line.count, rest.allSatisfy(ASCII.isValueByte) else { throw .malformedChunk }
        guard rest.isEmpty || rest.drop(while: ASCII.isBlank).first == UInt8(ascii: ";") else { throw .malformedChunk }
        return size
    }
}
