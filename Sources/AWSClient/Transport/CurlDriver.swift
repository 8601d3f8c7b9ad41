import CCurl
import HTTPCodec

/// libcurl's multi interface on a thread of its own.
///
/// `@unchecked`: the pointer never changes, and what it leads to guards itself.
@safe final class CurlDriver: @unchecked Sendable {
    private let driver: OpaquePointer

    /// Throws ``TransportFailure/unavailable(_:)`` where there is no libcurl.
    init(_ options: CurlTransport.Options) throws(TransportFailure) {
        var reason = [CChar](repeating: 0, count: 256)
        guard unsafe ccurl_load(&reason, reason.count) == 0 else {
            throw .unavailable("libcurl: " + String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        let opened = unsafe (options.authorities ?? "").withCString { authorities in
            var settings = unsafe ccurl_options(
                authorities: authorities[0] == 0 ? nil : authorities, max_connections: options.maxConnections,
                connect_timeout_ms: max(options.connectTimeout.milliseconds, 1), max_body_bytes: options.maxBodyBytes)
            return unsafe ccurl_open(&settings) { context, answer in
                unsafe Unmanaged<CurlExchange>.fromOpaque(context!).takeRetainedValue().finish(CurlDriver.outcome(answer!.pointee))
            }
        }
        guard let opened = unsafe opened else { throw .unavailable("libcurl: no thread can be started") }
        unsafe driver = opened
    }

    /// Waits for the thread: OpenSSL takes itself down when the process ends, and no thread may be inside it at that time.
    deinit { unsafe ccurl_end(driver) }

    static func loadBeside() { ccurl_load_beside() }

    /// Returns false without memory.
    func submit(_ request: OutgoingRequest, timeout: Duration, _ exchange: CurlExchange) -> Bool {
        let text = Self.text(of: request)
        let context = unsafe Unmanaged.passRetained(exchange).toOpaque()
        let isSubmitted = unsafe text.withUnsafeBufferPointer { text in
            unsafe request.body.withUnsafeBufferPointer { body in
                var request = unsafe ccurl_request(
                    id: exchange.id, text: text.baseAddress, text_size: text.count,
                    field_count: request.fields.count + Self.suppressed.count, body: body.baseAddress, body_size: body.count,
                    timeout_ms: max(timeout.milliseconds, 1), context: context)
                return unsafe ccurl_submit(driver, &request) == 0
            }
        }
        if !isSubmitted { unsafe Unmanaged<CurlExchange>.fromOpaque(context).release() }
        return isSubmitted
    }

    func cancel(_ id: UInt64) { unsafe ccurl_cancel(driver, id) }

    /// What libcurl would add of its own accord; a field of the request comes before and counts.
    private static let suppressed = ["Accept:", "Expect:", "Content-Type:"]

    private static func text(of request: OutgoingRequest) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(2048)
        append(request.method, to: &text)
        text.append(0)
        append(request.url, to: &text)
        text.append(0)
        for field in request.fields {
            append(field.name, to: &text)
            text.append(UInt8(ascii: ":"))
            text.append(UInt8(ascii: " "))
            append(field.value, to: &text)
            text.append(0)
        }
        text.append(contentsOf: suppressedText)
        return text
    }

    private static let suppressedText: [UInt8] = suppressed.reduce(into: []) { $0 += Array($1.utf8) + [0] }

    /// A byte that would end the line, or the text, becomes a blank.
    private static func append(_ part: String, to text: inout [UInt8]) {
        if isOneLine(part.utf8.span) {
            text.append(contentsOf: part.utf8)
        } else {
            text.append(contentsOf: part.utf8.map { endsLine($0) ? UInt8(ascii: " ") : $0 })
        }
    }

    private static func isOneLine(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices where endsLine(bytes[index]) { return false }
        return true
    }

    private static func endsLine(_ byte: UInt8) -> Bool { byte == 0 || byte == 0x0A || byte == 0x0D }

    private static func outcome(_ answer: ccurl_answer) -> CurlExchange.Outcome {
        switch unsafe Int(answer.code) {
        case 0:
            let head = unsafe UnsafeBufferPointer(start: answer.head, count: answer.head_size)
            let body = unsafe UnsafeBufferPointer(start: answer.body, count: answer.body_size)
            return unsafe .success(CurlAnswer(status: answer.status, head: Array(head), body: Array(body)))
        case Int(CCURL_TOO_LARGE): return .failure(.tooLarge)
        case Int(CCURL_CANCELLED): return .failure(.cancelled)
        case timedOut: return .failure(.timedOut)
        default: return unsafe .failure(.lost(answer.reason.map { unsafe String(cString: $0) } ?? "libcurl \(answer.code)"))
        }
    }

    /// CURLE_OPERATION_TIMEDOUT
    private static let timedOut = 28
}

extension Duration {
    /// Whole ones, rounded down.
    var milliseconds: Int { Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000) }
}
