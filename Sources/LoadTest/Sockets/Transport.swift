/// What reading gave.
enum Reading: Equatable {
    case bytes(Int)
    case nothingYet
    case end
    case failure(String)
}

/// What writing took.
enum Writing: Equatable {
    case bytes(Int)
    case full
    case failure(String)
}

/// A connected stream, with TLS or without, that never blocks.
protocol Transport: AnyObject {
    var descriptor: CInt { get }
    /// Whether bytes may be left although a read was not filled: they have left the socket and epoll cannot tell.
    var buffersInside: Bool { get }
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Reading
    func send(_ bytes: ArraySlice<UInt8>) -> Writing
    func close()
}
