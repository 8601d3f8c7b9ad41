import Glibc
import Testing

@testable import Gateway

@Suite struct SendQueueTests {
    /// What a write of everything would send.
    private func content(_ queue: SendQueue) -> [UInt8] {
        let vectors = UnsafeMutableBufferPointer<iovec>.allocate(capacity: 16)
        defer { vectors.deallocate() }
        return vectors[..<queue.fill(vectors)].flatMap { Array(UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len)) }
    }

    @Test func `whatever the kernel takes, the rest follows in order`() {
        let pieces: [[UInt8]] = [[1, 2, 3], [4], [], [5, 6], [7, 8, 9, 10]]
        let all = pieces.flatMap(\.self)
        for first in 0...all.count {
            for second in 0...(all.count - first) {
                var queue = SendQueue()
                for piece in pieces { queue.append(SharedBytes(piece)) }
                queue.removeSent(first)
                queue.removeSent(second)
                #expect(content(queue) == Array(all.dropFirst(first + second)))
                #expect(queue.byteCount == all.count - first - second)
            }
        }
    }

    @Test func `dropping keeps what has begun to leave`() {
        var queue = SendQueue()
        for piece in [[1, 2, 3], [4, 5], [6]] as [[UInt8]] { queue.append(SharedBytes(piece)) }
        queue.removeSent(4)
        queue.removeUnstarted()
        #expect(content(queue) == [5])
        queue.append(SharedBytes([9]))
        #expect(content(queue) == [5, 9])
        queue.removeSent(1)
        queue.removeUnstarted()
        #expect(queue.isEmpty)
    }

    @Test func `a queue that is used for long stays as it was`() {
        var queue = SendQueue()
        for round in 0..<10_000 {
            queue.append(SharedBytes([UInt8(truncatingIfNeeded: round), 1]))
            if round > 2 { queue.removeSent(2) }
        }
        #expect(queue.byteCount == 6)
        #expect(content(queue) == [0x0D, 1, 0x0E, 1, 0x0F, 1])
    }
}
