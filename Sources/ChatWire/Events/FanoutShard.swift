import ChatModel
import JSONCoding

/// One frame and some of its receivers, as they wait in the fan-out queue: the body of one message of Amazon SQS.
///
/// The frame is in base64: a queue takes only characters that XML has, and bodies may hold others.
public struct FanoutShard: Equatable, Sendable {
    /// What this version writes, and the only one it reads.
    public static let version = 1

    public var frame: [UInt8]
    public var connections: [ConnectionID]

    public init(frame: [UInt8], connections: [ConnectionID]) {
        self.frame = frame
        self.connections = connections
    }

    /// `{"v", "frame", "connections"}`. ASCII, so its bytes are its characters.
    public func encoded() -> [UInt8] { FanoutShard.encode(FanoutShard.text(of: frame), connections[...]) }

    /// A frame as it stands in every shard of it, made once.
    public static func text(of frame: [UInt8]) -> String { Base64.encode(frame, alphabet: .standard, padding: true) }

    public static func encode(_ frameText: String, _ connections: ArraySlice<ConnectionID>) -> [UInt8] {
        var writer = JSONWriter(capacity: 64 + frameText.utf8.count + connections.count * 24)
        writer.beginObject()
        writer.member("v", version)
        writer.name("frame")
        writer.plainString(frameText.utf8.span)
        writer.name("connections")
        writer.beginArray()
        for connection in connections { writer.string(connection.text) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Names the field that is wrong. A shard of another version is refused: who wrote it is older or newer than who reads it.
    public init(decoding body: String) throws(EventError) {
        guard let fields = (try? JSONParser.parse(body))?.object else { throw EventError("the shard is no JSON object") }
        guard fields["v"]?.int64 == Int64(FanoutShard.version) else { throw EventError("v is missing or another version's") }
        guard let frame = fields["frame"]?.string.flatMap({ Base64.decode($0, alphabet: .standard, padding: true) }),
            !frame.isEmpty, frame.count <= Limits.messageBytes
        else { throw EventError("frame is missing, empty, too large or no base64") }
        guard let names = fields["connections"]?.array else { throw EventError("connections is missing") }
        let connections = names.compactMap { $0.string.flatMap { ConnectionID($0) } }
        guard connections.count == names.count else { throw EventError("connections has one that is no connection id") }
        self.init(frame: frame, connections: connections)
    }
}
