/// How much of a message a parser takes before it refuses the rest.
public struct HTTPLimits: Sendable, Equatable {
    /// Bytes of the head: start line and fields with their line ends, and the trailers of a chunked body. Above: 431.
    public var maxHeadBytes: Int
    /// Header fields of one message. Above: 431.
    public var maxFields: Int
    /// Bytes of the request target. Above: 414.
    public var maxTargetBytes: Int
    /// Bytes of the decoded body. Above: 413, decided on the declared length where there is one.
    public var maxBodyBytes: Int

    public init(
        maxHeadBytes: Int = 16 * 1024, maxFields: Int = 100, maxTargetBytes: Int = 8 * 1024,
        maxBodyBytes: Int = 256 * 1024
    ) {
        precondition(maxTargetBytes < maxHeadBytes, "a target within its limit must fit into a head")
        self.maxHeadBytes = maxHeadBytes
        self.maxFields = maxFields
        self.maxTargetBytes = maxTargetBytes
        self.maxBodyBytes = maxBodyBytes
    }

    /// Bytes of a method. No registered method has more than 17.
    static let maxMethodBytes = 32
    /// Bytes of a chunk-size line with its extensions, which are read over.
    static let maxChunkLineBytes = 256
}
