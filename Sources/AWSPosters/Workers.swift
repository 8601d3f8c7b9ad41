import Synchronization

/// Goes through the places of a list with a few tasks, each of which takes the next place when it is done with one: a place that
/// takes long holds up one of them.
///
/// - Parameters:
///   - count: places, from 0.
///   - workers: tasks, at most; with one place or worker none is made.
///   - step: what is done at a place; notes what it finds in its worker's own.
/// - Returns: what each worker found, in no order.
func withWorkers<Found: Sendable>(
    _ workers: Int, over count: Int, finding empty: Found, _ step: @escaping @Sendable (Int, inout Found) async -> Void
) async -> [Found] {
    let next = Cursor()
    let work = { @Sendable () async -> Found in
        var found = empty
        while case let place = next.advance(), place < count { await step(place, &found) }
        return found
    }
    let tasks = min(workers, count)
    guard tasks > 1 else { return [await work()] }
    return await withTaskGroup(of: Found.self) { group in
        for _ in 0..<tasks { group.addTask { await work() } }
        var all: [Found] = []
        for await found in group { all.append(found) }
        return all
    }
}

/// The next place to be looked at.
private final class Cursor: Sendable {
    private let place = Atomic(0)

    func advance() -> Int { place.wrappingAdd(1, ordering: .relaxed).oldValue }
}
