import Glibc

/// What a socket has still to send, in order, by reference.
struct SendQueue {
    private var pieces: [SharedBytes?] = []
    /// The first piece that is not sent whole.
    private var head = 0
    /// Bytes of the head piece that are sent.
    private var headSent = 0
    /// Bytes that are not sent yet.
    private(set) var byteCount = 0

    var isEmpty: Bool { byteCount == 0 }

    mutating func append(_ piece: SharedBytes) {
        guard piece.count > 0 else { return }
        if head > 64, head * 2 > pieces.count {
            pieces.removeFirst(head)
            head = 0
        }
        pieces.append(piece)
        byteCount += piece.count
    }

    /// Points `vectors` at the first pieces and returns how many it used. Valid until the queue changes.
    func fill(_ vectors: UnsafeMutableBufferPointer<iovec>) -> Int {
        let count = min(vectors.count, pieces.count - head)
        for index in 0..<count {
            let piece = pieces[head + index]!
            let skipped = index == 0 ? headSent : 0
            unsafe vectors[index] = iovec(iov_base: piece.start + skipped, iov_len: piece.count - skipped)
        }
        return count
    }

    /// Takes out what the kernel has taken.
    mutating func removeSent(_ count: Int) {
        byteCount -= count
        headSent += count
        while head < pieces.count, let piece = pieces[head], headSent >= piece.count {
            headSent -= piece.count
            pieces[head] = nil
            head += 1
        }
        if head == pieces.count { removeAll() }
    }

    /// Takes out what has not begun to leave; a piece half sent stays, or the peer could not read what follows.
    mutating func removeUnstarted() {
        guard headSent > 0, let piece = pieces[head] else { return removeAll() }
        pieces = [piece]
        head = 0
        byteCount = piece.count - headSent
    }

    mutating func removeAll() {
        pieces.removeAll(keepingCapacity: pieces.count <= 64)
        (head, headSent, byteCount) = (0, 0, 0)
    }
}
