import ChatModel
import ChatStore

/// A place in the order in which frames of one room or conversation were decided.
public struct FanoutPosition: Hashable, Sendable {
    /// What was decided.
    public enum Entry: Hashable, Sendable {
        case message(seq: Int64)
        case presence(user: UserID, version: Int64)
    }

    /// The partition of the room or conversation.
    public var partition: String
    public var entry: Entry

    public static func message(partition: String, _ seq: Int64) -> FanoutPosition {
        FanoutPosition(partition: partition, entry: .message(seq: seq))
    }

    public static func presence(partition: String, _ user: UserID, _ version: Int64) -> FanoutPosition {
        FanoutPosition(partition: partition, entry: .presence(user: user, version: version))
    }
}

/// Lets fan-outs that were decided one after the other also leave one after the other, where that can be had.
public protocol FanoutOrder: Sendable {
    /// Returns when everything decided before has left. A position unknown to it waits for nothing.
    func turn(_ position: FanoutPosition) async
    /// Lets the next one go. Called exactly once for each `turn`, also when nothing was sent.
    func done(_ position: FanoutPosition)
}

/// No order: concurrent fan-outs may cross, as on AWS, and clients order by `seq` and `version`.
public struct Unordered: FanoutOrder {
    public init() {}
    public func turn(_ position: FanoutPosition) async {}
    public func done(_ position: FanoutPosition) {}
}
