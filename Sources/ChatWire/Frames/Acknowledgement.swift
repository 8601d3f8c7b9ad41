import ChatModel
import JSONCoding

/// What a sender is told once a message is stored (or, to everyone, taken).
public struct Acknowledgement: Equatable, Sendable {
    /// Nil for a message to everyone.
    public var destination: Destination?
    public var messageID: String
    /// Nil for a message to everyone, which is not stored.
    public var seq: Int64?
    public var sentAt: Timestamp
    /// The same `clientMessageId` was stored before.
    public var duplicate = false
    /// Live connections a direct message goes to.
    public var delivered: Int?

    public init(destination: Destination?, messageID: String, seq: Int64?, sentAt: Timestamp) {
        self.destination = destination
        self.messageID = messageID
        self.seq = seq
        self.sentAt = sentAt
    }

    public func encoded(_ requestID: RequestID? = nil) -> [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginFrame("ack", requestID)
        if let destination { writer.write(destination) }
        writer.member("messageId", messageID)
        writer.member("seq", ifPresent: seq)
        writer.member("sentAt", sentAt)
        if duplicate { writer.member("duplicate", true) }
        writer.member("delivered", ifPresent: delivered.map(Int64.init))
        writer.endObject()
        return writer.bytes
    }
}
