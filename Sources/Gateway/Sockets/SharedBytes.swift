/// Bytes on their way out: written once, then referenced by the send queue of every socket they go to.
///
/// `@unchecked`: the memory is written in `init` only and freed with the last reference.
@safe final class SharedBytes: @unchecked Sendable {
    private let storage: UnsafeMutableRawBufferPointer

    init(_ bytes: [UInt8]) {
        unsafe storage = .allocate(byteCount: max(1, bytes.count), alignment: 1)
        count = bytes.count
        unsafe storage.copyBytes(from: bytes)
    }

    deinit { unsafe storage.deallocate() }

    let count: Int

    /// Valid as long as the object is.
    var start: UnsafeMutableRawPointer { unsafe storage.baseAddress! }
}
