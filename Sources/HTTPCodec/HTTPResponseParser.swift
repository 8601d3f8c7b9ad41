/// Reads responses on the client's side of a connection, without doing any I/O (RFC 9112 section 6.3).
///
/// ``requestMethod`` says what the next response answers: the answer to HEAD has no body. Interim responses
/// (1xx) are read over, except `101 Switching Protocols`, after which ``takeRemainder()`` gives the new
/// protocol's first bytes.
public struct HTTPResponseParser: Sendable {
    public enum Event: Sendable, Equatable {
        case head(HTTPResponseHead)
        /// The whole body, empty when there is none.
        case body([UInt8])
    }

    private enum State {
        case statusLine
        case fields(HTTPResponseHead, headBytes: Int)
        case body(BodyDecoder)
        case failed(HTTPFault)
    }

    /// The method of the request that the next response answers.
    public var requestMethod: String
    private var state: State = .statusLine
    private var buffer = ReceiveBuffer()
    private let limits: HTTPLimits

    public init(requestMethod: String = "GET", limits: HTTPLimits = HTTPLimits()) {
        self.requestMethod = requestMethod
        self.limits = limits
    }

    public mutating func append(_ bytes: RawSpan) { buffer.append(bytes) }

    public mutating func append(_ bytes: [UInt8]) { buffer.append(bytes) }

    /// Whether anything of a response that is not delivered yet has arrived.
    public var isInsideResponse: Bool {
        if case .statusLine = state { return buffer.count > 0 }
        return true
    }

    /// The next event, or nil while more bytes are needed. A fault is thrown again on every later call.
    public mutating func next() throws(HTTPFault) -> Event? {
        do {
            return try step()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// What the end of the connection completes: the body of a response without a declared length.
    ///
    /// Returns nil between responses; throws ``HTTPFault/truncated`` inside one.
    public mutating func finish() throws(HTTPFault) -> Event? {
        switch state {
        case .statusLine where buffer.count == 0: return nil
        case .statusLine, .fields: throw .truncated
        case .body(let decoder):
            let body = try decoder.atClose()
            state = .statusLine
            return .body(body)
        case .failed(let fault): throw fault
        }
    }

    /// Takes what was received and not read.
    public mutating func takeRemainder() -> [UInt8] { buffer.takeAll() }

    private mutating func step() throws(HTTPFault) -> Event? {
        while true {
            switch state {
            case .statusLine:
                guard let line = try takeLine(headBytes: 0) else { return nil }
                state = .fields(try HeadGrammar.responseHead(line), headBytes: line.count + 2)
            case .fields(var head, let headBytes):
                guard let line = try takeLine(headBytes: headBytes) else { return nil }
                if line.isEmpty {
                    if let head = try finish(head) { return .head(head) }
                    continue
                }
                guard head.fields.count < limits.maxFields else { throw .headTooLarge }
                let field = try HeadGrammar.field(line)
                head.fields.add(field.name, field.value)
                state = .fields(head, headBytes: headBytes + line.count + 2)
            case .body(var decoder):
                // The state lets go of the decoder while it grows, or each step would copy what it has collected.
                state = .statusLine
                guard let body = try decoder.next(from: &buffer) else {
                    state = .body(decoder)
                    return nil
                }
                return .body(body)
            case .failed(let fault): throw fault
            }
        }
    }

    /// The head, or nil for an interim response.
    private mutating func finish(_ head: HTTPResponseHead) throws(HTTPFault) -> HTTPResponseHead? {
        if head.status < 200, head.status != 101 {
            state = .statusLine
            return nil
        }
        let framing: BodyFraming
        if requestMethod == "HEAD" || HTTPResponseHead.hasNoBody(status: head.status) {
            framing = .length(0)
        } else {
            framing = try BodyFraming.declared(head.fields, minorVersion: head.minorVersion, limits) ?? .untilClose
        }
        state = .body(BodyDecoder(framing, limits))
        return head
    }

    private mutating func takeLine(headBytes: Int) throws(HTTPFault) -> ArraySlice<UInt8>? {
        switch buffer.takeLine(longest: limits.maxHeadBytes - headBytes - 2) {
        case .complete(let line): return line
        case .incomplete: return nil
        case .bareLineFeed: throw headBytes == 0 ? .malformedStatusLine : .malformedField
        case .tooLong: throw .headTooLarge
        }
    }
}
