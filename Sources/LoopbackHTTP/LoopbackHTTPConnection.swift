import HTTPCodec

/// A blocking HTTP/1.1 client over one kept connection, for servers on the same machine.
///
/// It connects on the first request and again after the peer closed. It is not for sharing: one request at a
/// time, from one thread or task at a time. An async caller blocks its thread while it waits.
public final class LoopbackHTTPConnection {
    private let host: String
    private let port: UInt16
    private let limits: HTTPLimits
    private var socket: LoopbackSocket?

    /// - Parameters:
    ///   - host: an IPv4 or IPv6 address, which costs no lookup, or a name.
    ///   - limits: what is taken of a response.
    public init(host: String, port: UInt16, limits: HTTPLimits = HTTPLimits(maxBodyBytes: 16 << 20)) {
        self.host = host
        self.port = port
        self.limits = limits
    }

    /// Sends a request and waits for the whole answer. `Host` and `Content-Length` are added.
    ///
    /// When a kept connection turns out to be closed, the request is sent once more on a new one, if none of
    /// it was written, or if no byte of an answer came and repeating it does no harm.
    ///
    /// - Parameters:
    ///   - deadline: until when the answer must be whole; without one it is waited for without end.
    ///   - isRepeatable: whether the server may get the request twice; by default what HTTP says of the method
    ///     (RFC 9110 section 9.2.2).
    ///   - interrupt: a file descriptor that ends the wait for an answer when it becomes readable.
    public func send(
        method: String = "GET", target: String, fields: HTTPFields = [:], body: [UInt8] = [],
        deadline: ContinuousClock.Instant? = nil, isRepeatable: Bool? = nil, interrupt: Int32? = nil
    ) throws(LoopbackHTTPError) -> HTTPResponse {
        var request = HTTPRequest(method: method, target: target, fields: ["Host": authority], body: body)
        for field in fields { request.head.fields.add(field.name, field.value) }
        let isRepeatable = isRepeatable ?? ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"].contains(method)
        let wait = Wait(deadline: deadline, interrupt: interrupt)

        if let kept = socket, kept.isIdle {
            var exchange = Exchange(request, limits)
            do {
                return try finish(exchange.run(on: kept, wait))
            } catch .closed where exchange.written == 0 || (!exchange.answered && isRepeatable) {
                // Between the look at the idle connection and the answer the peer had closed it.
            } catch {
                close()
                throw error
            }
        }
        close()
        let fresh = try LoopbackSocket.connect(host: host, port: port, wait)
        socket = fresh
        var exchange = Exchange(request, limits)
        do {
            return try finish(exchange.run(on: fresh, wait))
        } catch {
            close()
            throw error
        }
    }

    /// Closes the connection; the next request opens another.
    public func close() { socket = nil }

    private func finish(_ answer: (response: HTTPResponse, keepsAlive: Bool)) -> HTTPResponse {
        if !answer.keepsAlive { close() }
        return answer.response
    }

    private var authority: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// One request and its answer on one connection.
private struct Exchange {
    private let request: [UInt8]
    private var parser: HTTPResponseParser
    /// Bytes of the request that the system took.
    private(set) var written = 0
    /// Whether any byte of an answer came.
    private(set) var answered = false

    init(_ request: HTTPRequest, _ limits: HTTPLimits) {
        self.request = request.serialized()
        parser = HTTPResponseParser(requestMethod: request.head.method, limits: limits)
    }

    mutating func run(
        on socket: LoopbackSocket, _ wait: Wait
    ) throws(LoopbackHTTPError) -> (response: HTTPResponse, keepsAlive: Bool) {
        while written < request.count {
            // A server may refuse a request it has not read to its end: its answer is still worth reading.
            guard let count = try socket.write(request, from: written, wait) else { break }
            written += count
        }
        let requestIsWhole = written == request.count
        var head: HTTPResponseHead?
        while true {
            while let event = try nextEvent() {
                switch event {
                case .head(let received): head = received
                case .body(let body):
                    let keepsAlive = requestIsWhole && !parser.isInsideResponse && head!.keepsAlive
                    return (HTTPResponse(status: head!.status, fields: head!.fields, body: body), keepsAlive)
                }
            }
            let bytes = try socket.read(wait)
            guard bytes.isEmpty else {
                answered = true
                parser.append(bytes)
                continue
            }
            guard let head, case .body(let body)? = try bodyAtClose() else { throw .closed }
            return (HTTPResponse(status: head.status, fields: head.fields, body: body), false)
        }
    }

    private mutating func nextEvent() throws(LoopbackHTTPError) -> HTTPResponseParser.Event? {
        do {
            return try parser.next()
        } catch {
            throw .invalidResponse(error)
        }
    }

    private mutating func bodyAtClose() throws(LoopbackHTTPError) -> HTTPResponseParser.Event? {
        do {
            return try parser.finish()
        } catch {
            throw error == .truncated ? .closed : .invalidResponse(error)
        }
    }
}
