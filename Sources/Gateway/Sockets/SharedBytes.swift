import WebSocketCodec

/// Bytes on their way out: written once, then referenced by the send queue of every socket they go to.
///
/// `@unchecked`: the memory is written before the object is handed out and freed with the last reference.
@safe final class SharedBytes: @unchecked Sendable {
    private let storage: UnsafeMutableRawBufferPointer

    init(_ bytes: [UInt8]) {
        unsafe storage = .allocate(byteCount: max(1, bytes.count), alignment: 1)
        count = bytes.count
        unsafe storage.copyBytes(from: bytes)
    }

    /// A whole text frame of an unmasked payload.
    init(textFrame payload: [UInt8]) {
        let header = FrameHeader(.text, length: payload.count)
        count = header.count + payload.count
        unsafe storage = .allocate(byteCount: count, alignment: 1)
        unsafe header.write(to: storage)
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage[header.count...]).copyBytes(from: payload)
    }

    /// The bytes of several pieces, one after the other.
    init(joining pieces: some Sequence<SharedBytes>) {
        var total = 0
        for piece in pieces { total += piece.count }
        count = total
        unsafe storage = .allocate(byteCount: max(1, total), alignment: 1)
        var offset = 0
        for piece in pieces {
            unsafe (storage.baseAddress! + offset).copyMemory(from: piece.start, byteCount: piece.count)
            offset += piece.count
        }
    }

    deinit { unsafe storage.deallocate() }

    let count: Int

    /// Valid as long as the object is.
    var start: UnsafeMutableRawPointer { unsafe storage.baseAddress! }
}
