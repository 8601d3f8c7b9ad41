/// What is wrong with a received HTTP message, or too large about it.
///
/// A parser that threw one stays in that fault: the bytes after it have no trustworthy boundaries, so the
/// connection is answered with ``status`` and closed.
public enum HTTPFault: Error, Equatable, Sendable, CaseIterable {
    case malformedRequestLine
    case invalidMethod
    case invalidTarget
    case unsupportedVersion
    case malformedStatusLine
    case malformedField
    case obsoleteLineFolding
    case invalidHost
    case ambiguousLength
    case invalidLength
    case unsupportedTransferCoding
    case malformedChunk
    case targetTooLong
    case headTooLarge
    case bodyTooLarge
    /// The peer closed the connection inside a message. A server has nobody left to answer.
    case truncated

    /// The status a server answers with.
    public var status: Int {
        switch self {
        case .malformedRequestLine, .invalidMethod, .invalidTarget, .malformedStatusLine, .malformedField,
            .obsoleteLineFolding, .invalidHost, .ambiguousLength, .invalidLength, .unsupportedTransferCoding,
            .malformedChunk, .truncated:
            400
        case .bodyTooLarge: 413
        case .targetTooLong: 414
        case .headTooLarge: 431
        case .unsupportedVersion: 505
        }
    }

    /// A short text for the log; it never quotes what was received.
    public var reason: String {
        switch self {
        case .malformedRequestLine: "malformed request line"
        case .invalidMethod: "invalid method"
        case .invalidTarget: "invalid request target"
        case .unsupportedVersion: "unsupported HTTP version"
        case .malformedStatusLine: "malformed status line"
        case .malformedField: "malformed header field"
        case .obsoleteLineFolding: "folded header field"
        case .invalidHost: "missing, repeated or invalid Host"
        case .ambiguousLength: "ambiguous message length"
        case .invalidLength: "invalid Content-Length"
        case .unsupportedTransferCoding: "unsupported transfer coding"
        case .malformedChunk: "malformed chunk"
        case .targetTooLong: "request target too long"
        case .headTooLarge: "message head too large"
        case .bodyTooLarge: "body too large"
        case .truncated: "connection closed inside a message"
        }
    }
}
