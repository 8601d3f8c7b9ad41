/// Reads requests from the bytes of one connection, without doing any I/O (RFC 9112).
///
/// Bytes go in with `append` in pieces of any size, events come out of `next`, one after the other, also for
/// pipelined requests. Every line is read when it is whole, so a fault is found at the first line that has it,
/// and the work is linear in the bytes received. The parser buffers what was appended: whoever feeds it stops
/// reading from the peer while a request is being answered.
public struct HTTPRequestParser: Sendable {
    public enum Event: Sendable, Equatable {
        /// The head is whole, nothing of the body is read: the moment to answer `Expect` or to switch protocols.
        case head(HTTPRequestHead)
        /// The whole body of the request whose head came before; empty when it has none.
        case body([UInt8])
    }

    private enum State {
        case requestLine(skippedEmptyLine: Bool)
        case fields(HTTPRequestHead, headBytes: Int)
        case body(BodyDecoder)
        case failed(HTTPFault)
    }

    private var state: State = .requestLine(skippedEmptyLine: false)
    private var buffer = ReceiveBuffer()
    private let limits: HTTPLimits

    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    public mutating func append(_ bytes: RawSpan) { buffer.append(bytes) }

    public mutating func append(_ bytes: [UInt8]) { buffer.append(bytes) }

    /// Whether part of a request is here: the moment for a time-out to be answered with 408 rather than silence.
    public var isInsideRequest: Bool {
        if case .requestLine = state { return buffer.count > 0 }
        return true
    }

    /// The next event, or nil while more bytes are needed.
    ///
    /// Throws the fault the connection is answered and closed with, and the same again on every later call.
    public mutating func next() throws(HTTPFault) -> Event? {
        do {
            return try step()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// Takes what was received and not read: after the head of an upgrade, the first bytes of the new protocol.
    public mutating func takeRemainder() -> [UInt8] { buffer.takeAll() }

    private mutating func step() throws(HTTPFault) -> Event? {
        while true {
            switch state {
            case .requestLine(let skippedEmptyLine):
                guard let line = try takeRequestLine() else { return nil }
                if line.isEmpty {
                    // Some clients end a body with a CRLF too many (RFC 9112 section 2.2).
                    guard !skippedEmptyLine else { throw .malformedRequestLine }
                    state = .requestLine(skippedEmptyLine: true)
                } else {
                    state = .fields(try HeadGrammar.requestHead(line, limits), headBytes: line.count + 2)
                }
            case .fields(var head, let headBytes):
                guard let line = try takeFieldLine(headBytes: headBytes) else { return nil }
                if line.isEmpty { return .head(try finish(head)) }
                guard head.fields.count < limits.maxFields else { throw .headTooLarge }
                let field = try HeadGrammar.field(line)
                head.fields.add(field.name, field.value)
                state = .fields(head, headBytes: headBytes + line.count + 2)
            case .body(var decoder):
                // The state lets go of the decoder while it grows, or each step would copy what it has collected.
                state = .requestLine(skippedEmptyLine: false)
                guard let body = try decoder.next(from: &buffer) else {
                    state = .body(decoder)
                    return nil
                }
                return .body(body)
            case .failed(let fault): throw fault
            }
        }
    }

    private mutating func finish(_ head: HTTPRequestHead) throws(HTTPFault) -> HTTPRequestHead {
        try HeadGrammar.checkHost(head)
        let framing = try BodyFraming.declared(head.fields, minorVersion: head.minorVersion, limits)
        state = .body(BodyDecoder(framing ?? .length(0), limits))
        return head
    }

    private mutating func takeRequestLine() throws(HTTPFault) -> ArraySlice<UInt8>? {
        // Whoever speaks something else, such as TLS, is told at the first byte and not after a time-out.
        if let first = buffer.first, first != ASCII.cr, !ASCII.isTokenByte(first) { throw .malformedRequestLine }
        let longest = HTTPLimits.maxMethodBytes + limits.maxTargetBytes + "  HTTP/1.1".utf8.count
        return try takeLine(longest: longest, over: .targetTooLong, bareLineFeed: .malformedRequestLine)
    }

    private mutating func takeFieldLine(headBytes: Int) throws(HTTPFault) -> ArraySlice<UInt8>? {
        let longest = limits.maxHeadBytes - headBytes - 2
        return try takeLine(longest: longest, over: .headTooLarge, bareLineFeed: .malformedField)
    }

    private mutating func takeLine(
        longest: Int, over tooLong: HTTPFault, bareLineFeed: HTTPFault
    ) throws(HTTPFault) -> ArraySlice<UInt8>? {
        switch buffer.takeLine(longest: longest) {
        case .complete(let line): return line
        case .incomplete: return nil
        case .bareLineFeed: throw bareLineFeed
        case .tooLong: throw tooLong
        }
    }
}
