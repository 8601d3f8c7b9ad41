import Glibc

/// What a socket has still to send, in order, by reference.
///
/// Nearly every queue holds one piece for the rest of a turn: that one is kept in place, without an array.
struct SendQueue {
    private var first: SharedBytes?
    /// Bytes of the first piece that are sent.
    private var firstSent = 0
    private var rest = FIFO<SharedBytes>()
    /// Bytes that are not sent yet.
    private(set) var byteCount = 0

    var isEmpty: Bool { byteCount == 0 }

    mutating func append(_ piece: SharedBytes) {
        guard piece.count > 0 else { return }
        if first == nil { first = piece } else { rest.append(piece) }
        byteCount += piece.count
    }

    /// Points `vectors` at the first pieces and returns how many it used. Valid until the queue changes.
    func fill(_ vectors: UnsafeMutableBufferPointer<iovec>) -> Int {
        guard let first else { return 0 }
        unsafe vectors[0] = iovec(iov_base: first.start + firstSent, iov_len: first.count - firstSent)
        let count = min(vectors.count - 1, rest.count)
        for index in 0..<count {
            let piece = rest[index]
            unsafe vectors[index + 1] = iovec(iov_base: piece.start, iov_len: piece.count)
        }
        return count + 1
    }

    /// Takes out what the kernel has taken.
    mutating func removeSent(_ count: Int) {
        byteCount -= count
        firstSent += count
        while let piece = first, firstSent >= piece.count {
            firstSent -= piece.count
            first = rest.popFirst()
        }
    }

    /// Takes out what has not begun to leave; a piece half sent stays, or the peer could not read what follows.
    mutating func removeUnstarted() {
        guard firstSent > 0, let first else { return removeAll() }
        rest = FIFO()
        byteCount = first.count - firstSent
    }

    mutating func removeAll() { self = SendQueue() }
}
