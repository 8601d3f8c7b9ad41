import CCurl
import CLinux
import Glibc
import Synchronization

/// TLS over TCP, by libcurl: it connects, verifies and encrypts, and what is spoken is ours.
///
/// `@unchecked`: made on the thread that connects, then handed once to the loop's.
@safe final class CurlTransport: Transport, @unchecked Sendable {
    private let connection: OpaquePointer
    private var isOpen = true
    let buffersInside = true
    let descriptor: CInt

    fileprivate init(_ connection: OpaquePointer) {
        unsafe self.connection = unsafe connection
        descriptor = unsafe ccurl_descriptor(connection)
    }

    deinit { close() }

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Reading {
        switch unsafe ccurl_receive(connection, buffer.baseAddress, buffer.count) {
        case 0: .end
        case -1: .nothingYet
        case -2: .failure("TLS connection reset")
        case let count: .bytes(count)
        }
    }

    func send(_ bytes: ArraySlice<UInt8>) -> Writing {
        switch unsafe bytes.withUnsafeBytes({ unsafe ccurl_send(connection, $0.baseAddress, $0.count) }) {
        case -1: .full
        case -2: .failure("TLS connection reset")
        case let count: .bytes(count)
        }
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        unsafe ccurl_close(connection)
    }
}

/// Opens TLS connections side by side, each on a thread of its own while it connects, and tells the loop by a descriptor.
final class CurlOpeners: Sendable {
    typealias Result = (connection: Int, outcome: Swift.Result<CurlTransport, LoadError>)

    /// Readable when there is something to ``take()``.
    let descriptor: CInt
    private let results = Mutex<[Result]>([])
    /// Those that still run, by their connection.
    private let threads = Mutex<[Int: pthread_t]>([:])
    private let url: String
    private let authorities: String?
    private let timeout: Double

    /// Throws ``LoadError/noLibcurl(_:)`` where there is none.
    init(url: String, authorities: String?, timeout: Double) throws(LoadError) {
        var reason = [CChar](repeating: 0, count: 256)
        guard unsafe ccurl_load(&reason, reason.count) == 0 else { throw .noLibcurl(text(reason)) }
        descriptor = eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC))
        guard descriptor >= 0 else { throw .system(call: "eventfd", reason: systemError(errno)) }
        (self.url, self.authorities, self.timeout) = (url, authorities, timeout)
    }

    deinit { _ = Glibc.close(descriptor) }

    func open(_ connection: Int, from source: String?) throws(LoadError) {
        let work = TLSOpening(openers: self, connection: connection, source: source)
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(work).toOpaque()
        let failure = unsafe pthread_create(&thread, nil, { argument in
            unsafe Unmanaged<TLSOpening>.fromOpaque(argument!).takeRetainedValue().run()
            return nil
        }, argument)
        guard failure == 0 else {
            unsafe Unmanaged<TLSOpening>.fromOpaque(argument).release()
            throw .system(call: "pthread_create", reason: systemError(failure))
        }
        threads.withLock { $0[connection] = thread }
    }

    /// On the thread that opens, as ``finish()``.
    func take() -> [Result] {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, 8)
        let taken = results.withLock { results in
            defer { results = [] }
            return results
        }
        for result in taken { join(threads.withLock { $0.removeValue(forKey: result.connection) }) }
        return taken
    }

    /// Waits for everything that is still being opened, at most as long as one connection may take.
    ///
    /// OpenSSL takes itself down when the process ends, and no thread may be inside it, or ending, at that time.
    func finish() {
        let running = threads.withLock { threads in
            defer { threads = [:] }
            return threads
        }
        for thread in running.values { join(thread) }
        for case (_, .success(let transport)) in take() { transport.close() }
    }

    private func join(_ thread: pthread_t?) {
        if let thread { pthread_join(thread, nil) }
    }

    fileprivate func connect(_ connection: Int, from source: String?) {
        var code: CInt = 0
        var reason = [CChar](repeating: 0, count: 256)
        // Swift passes a string to C, but no optional one.
        let local = (source.map { "host!\($0)" } ?? "").utf8CString
        let opened = unsafe local.withUnsafeBufferPointer { local in
            unsafe (authorities ?? "").withCString { authorities in
                unsafe ccurl_connect(
                    url, authorities[0] == 0 ? nil : authorities, source == nil ? nil : local.baseAddress,
                    Int(timeout * 1000), &code, &reason, reason.count)
            }
        }
        let outcome: Swift.Result<CurlTransport, LoadError> =
            unsafe opened.map { .success(unsafe CurlTransport($0)) } ?? .failure(.unreachable(url: url, reason: text(reason)))
        results.withLock { $0.append((connection, outcome)) }
        var one: UInt64 = 1
        _ = unsafe write(descriptor, &one, 8)
    }
}

private final class TLSOpening: Sendable {
    let openers: CurlOpeners
    let connection: Int
    let source: String?

    init(openers: CurlOpeners, connection: Int, source: String?) {
        (self.openers, self.connection, self.source) = (openers, connection, source)
    }

    func run() { openers.connect(connection, from: source) }
}

private func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
