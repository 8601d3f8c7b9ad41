/// Something with a descriptor that a loop watches.
protocol EventSource: AnyObject {
    /// Called on the loop's thread.
    func becameReady(_ readiness: Readiness)
    /// The loop ends: the descriptor is to be closed. Called on the loop's thread.
    func loopEnds()
}

/// Where a loop keeps a watched descriptor's source; an event for an earlier tenant of the place finds nobody.
struct SourceSlots {
    private struct Slot {
        var source: (any EventSource)?
        var generation: UInt32 = 0
    }

    private var slots: [Slot] = []
    private var free: [Int] = []

    /// The tag to register the descriptor with.
    mutating func insert(_ source: any EventSource) -> UInt64 {
        let index: Int
        if let last = free.popLast() {
            index = last
        } else {
            index = slots.count
            slots.append(Slot())
        }
        slots[index].source = source
        return UInt64(slots[index].generation) << 32 | UInt64(index)
    }

    mutating func remove(_ tag: UInt64) {
        let index = Int(tag & 0xFFFF_FFFF)
        slots[index].source = nil
        slots[index].generation &+= 1
        free.append(index)
    }

    var all: [any EventSource] { slots.compactMap(\.source) }

    subscript(_ tag: UInt64) -> (any EventSource)? {
        let slot = slots[Int(tag & 0xFFFF_FFFF)]
        return slot.generation == UInt32(tag >> 32) ? slot.source : nil
    }
}
