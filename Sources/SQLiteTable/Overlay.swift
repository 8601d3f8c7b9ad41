import ChatStore

/// What the requests of one group have made so far, in memory: each sees what those before it made, and each item is
/// written once, as the last of them left it.
struct Overlay {
    /// What the file has, as far as is known.
    enum Stored {
        case known(Item?)
        /// Nothing, if the request is right: nobody looked, and the insert will tell.
        case believedAbsent
        /// Nobody asked.
        case unknown
    }

    struct Entry {
        let key: Key
        var stored: Stored
        var current: Item?
        /// Whether the file holds something else than before the group.
        fileprivate(set) var isWritten = false

        /// Whether the file is to be written for it.
        var isChanged: Bool {
            switch stored {
            case .known(let item): item != current
            case .believedAbsent, .unknown: true
            }
        }
    }

    /// In the order in which they were first touched.
    private(set) var entries: [Entry] = []
    private var places: [Key: Int] = [:]

    subscript(_ key: Key) -> Entry? { places[key].map { entries[$0] } }

    /// Notes what a request made of an item.
    /// - Parameter stored: what counts for an item that no request has touched before.
    mutating func set(_ key: Key, to item: Item?, stored: Stored) {
        if let place = places[key] {
            entries[place].current = item
        } else {
            places[key] = entries.count
            entries.append(Entry(key: key, stored: stored, current: item))
        }
    }

    /// Everything is in the file now.
    mutating func settle() {
        for place in entries.indices where entries[place].isChanged {
            entries[place].isWritten = true
            entries[place].stored = .known(entries[place].current)
        }
    }
}
