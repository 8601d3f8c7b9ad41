import Foundation
import Synchronization

/// The one thread that all clients share: it polls their sockets and is the only one to close them.
final class ClientLoop: Sendable {
    static let shared = ClientLoop()

    private let channels = Mutex<[Int32: ClientChannel]>([:])
    private let readEnd: Int32
    private let writeEnd: Int32
    /// Whether a wake-up is under way already.
    private let isAwake = Atomic<Bool>(false)

    private init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "no file descriptors left")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
        Thread.detachNewThread { [self] in
            while true { turn() }
        }
    }

    func add(_ channel: ClientChannel) {
        channels.withLock { $0[channel.descriptor] = channel }
        wake()
    }

    func wake() {
        guard !isAwake.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }

    private func turn() {
        var polled = [pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)]
        var served: [ClientChannel] = []
        for channel in channels.withLock({ Array($0.values) }) {
            guard let interest = channel.interest else {
                remove(channel)
                continue
            }
            polled.append(pollfd(fd: channel.descriptor, events: interest, revents: 0))
            served.append(channel)
        }
        guard poll(&polled, nfds_t(polled.count), -1) > 0 else { return }
        if polled[0].revents != 0 {
            var drained = [UInt8](repeating: 0, count: 64)
            _ = read(readEnd, &drained, drained.count)
            isAwake.store(false, ordering: .releasing)
        }
        for (channel, entry) in zip(served, polled.dropFirst()) where entry.revents != 0 {
            // A hang-up is reported even to a client that does not read; only its end is taken from it.
            let isHungUp = entry.events & Int16(POLLIN) == 0 && entry.revents & Int16(POLLHUP | POLLERR) != 0
            isHungUp ? remove(channel) : channel.service()
        }
    }

    private func remove(_ channel: ClientChannel) {
        _ = channels.withLock { $0.removeValue(forKey: channel.descriptor) }
        channel.closed()
        close(channel.descriptor)
    }
}
