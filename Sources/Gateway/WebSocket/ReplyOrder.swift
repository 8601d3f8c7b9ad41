/// Lets the replies to one connection's frames leave in the order of the frames, however their handlers finish.
struct ReplyOrder {
    private var opened = 0
    private var sent = 0
    /// Replies that wait for earlier ones; nil: there is none to send.
    private var early: [Int: [UInt8]?] = [:]

    /// Replies that are still owed.
    var count: Int { opened - sent }

    /// The place of the next frame's reply.
    mutating func open() -> Int {
        defer { opened += 1 }
        return opened
    }

    /// Takes the reply of a place, once; `send` is called with it and those it held up, as soon as nothing is before it.
    mutating func close(_ place: Int, _ reply: [UInt8]?, _ send: ([UInt8]) -> Void) {
        guard place == sent else {
            early[place] = .some(reply)
            return
        }
        if let reply { send(reply) }
        sent += 1
        while !early.isEmpty, let next = early.removeValue(forKey: sent) {
            if let next { send(next) }
            sent += 1
        }
    }
}
