import Synchronization
import Testing

@testable import Gateway

@Suite struct LoopTests {
    @Test func `timers fire in the order of their deadlines, and in the order scheduled where those are equal`() {
        var timers = Timers()
        var fired: [Int] = []
        for (number, deadline) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 40)] as [(Int, Int64)] {
            _ = timers.schedule(at: deadline) { fired.append(number) }
        }
        #expect(timers.nextDeadline() == 10)
        while let action = timers.takeDue(at: 30) { action() }
        #expect(fired == [2, 4, 3, 1])
        #expect(timers.nextDeadline() == 40)
    }

    @Test func `a cancelled timer never fires, whatever is scheduled around it`() {
        var timers = Timers()
        var fired: [Int64] = []
        var tokens: [Timers.Token] = []
        for deadline in 0..<1000 as Range<Int64> {
            tokens.append(timers.schedule(at: deadline) { fired.append(deadline) })
        }
        for (index, token) in tokens.enumerated() where index % 10 != 0 { timers.cancel(token) }
        while let action = timers.takeDue(at: 2000) { action() }
        #expect(fired == stride(from: 0, to: 1000, by: 10).map { $0 })
        #expect(timers.nextDeadline() == nil)
    }

    @Test func `asynchronous code stays on the loop's thread across suspensions`() async throws {
        let loop = try EventLoop.start(named: "test", clock: MachineClock())
        defer { loop.stop() }
        let places = await Task(executorPreference: loop) {
            var places = [loop.isCurrent]
            await Task.yield()
            places.append(loop.isCurrent)
            try? await Task.sleep(for: .milliseconds(1))
            places.append(loop.isCurrent)
            return places
        }.value
        #expect(places == [true, true, true])
    }

    @Test func `what one thread hands over runs in its order`() async throws {
        let loop = try EventLoop.start(named: "test", clock: MachineClock())
        defer { loop.stop() }
        let seen = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            for number in 0..<10_000 { loop.execute { seen.withLock { $0.append(number) } } }
            loop.execute { continuation.resume() }
        }
        #expect(seen.withLock { $0 } == Array(0..<10_000))
    }

    @Test func `a loop that has ended refuses calls and lets tasks end elsewhere`() async throws {
        let loop = try EventLoop.start(named: "test", clock: MachineClock())
        loop.stop()
        _ = try await eventually { loop.execute {} ? nil : () }
        #expect(await Task(executorPreference: loop) { 7 }.value == 7)
    }

    @Test func `a queue that never empties keeps order and its own size`() {
        var queue = FIFO<Int>()
        var expected = 0
        for number in 0..<10_000 {
            queue.append(number)
            if number >= 3 {
                #expect(queue.popFirst() == expected)
                expected += 1
            }
        }
        #expect(queue.count == 3)
        queue.removeAll { $0 == 9998 }
        #expect([queue.popFirst(), queue.popFirst(), queue.popFirst()] == [9997, 9999, nil])
    }

    @Test func `a slot's next tenant does not get its predecessor's events`() {
        final class Source: EventSource {
            func becameReady(_ readiness: Readiness) {}
            func loopEnds() {}
        }
        var slots = SourceSlots()
        let (first, second) = (Source(), Source())
        let old = slots.insert(first)
        slots.remove(old)
        let new = slots.insert(second)
        #expect(slots[old] == nil)
        #expect(slots[new] === second)
    }

    @Test func `ids have API Gateway's form and do not repeat`() {
        var requests = RequestIdentifiers()
        let ids = (0..<1000).map { _ in requests.next() } + (0..<1000).map { _ in GatewayIdentifier.connection().text }
        #expect(Set(ids).count == 2000)
        #expect(ids.allSatisfy { $0.utf8.count == 16 && $0.hasSuffix("=") && !$0.contains("+") && !$0.contains("/") })
    }
}
