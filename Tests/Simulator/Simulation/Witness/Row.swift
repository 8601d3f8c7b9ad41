import ChatStore

/// What an item of the table is, by its key.
enum Row {
    case connection(String)
    case member(partition: String, id: String)
    case presence(partition: String)
    case head(partition: String)
    case message(partition: String)
    case user
    case lease(minute: Int64, id: String)
    case due(minute: Int64)
    case sweep
    case other

    init(_ key: Key) {
        let pk = key.pk, sk = key.sk
        func has(_ text: String, _ prefix: StaticString) -> Bool {
            text.utf8.starts(with: UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount))
        }
        if has(pk, "CONN#") {
            self = .connection(String(pk.dropFirst(5)))
        } else if has(pk, "ROOM#") || has(pk, "DM#") {
            if has(sk, "MSG#") {
                self = .message(partition: pk)
            } else if has(sk, "CONN#") {
                self = .member(partition: pk, id: String(sk.dropFirst(5)))
            } else if has(sk, "USER#") {
                self = .presence(partition: pk)
            } else {
                self = .head(partition: pk)
            }
        } else if has(pk, "LEASE#") {
            self = .lease(minute: Row.minute(pk), id: String(sk.dropFirst(5)))
        } else if has(pk, "DUE#") {
            self = .due(minute: Row.minute(pk))
        } else if has(pk, "USER#") {
            self = .user
        } else if has(pk, "SWEEP") {
            self = .sweep
        } else {
            self = .other
        }
    }

    private static func minute(_ partition: String) -> Int64 {
        Int64(partition.split(separator: "#", maxSplits: 2)[1]) ?? 0
    }
}
