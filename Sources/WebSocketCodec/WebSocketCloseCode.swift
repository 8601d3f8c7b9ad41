/// The status code of a close frame (RFC 6455 section 7.4).
///
/// The named ones are those this service sends. Their range tells a client what to do: 1001 and 1013 mean
/// reconnect, 4401 means reconnect with a fresh token, 4403 means stay away.
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public static let normal = Self(rawValue: 1000)
    public static let goingAway = Self(rawValue: 1001)
    public static let protocolError = Self(rawValue: 1002)
    public static let unsupportedData = Self(rawValue: 1003)
    public static let invalidPayload = Self(rawValue: 1007)
    public static let messageTooBig = Self(rawValue: 1009)
    public static let internalError = Self(rawValue: 1011)
    /// Try again later: here, a consumer too slow for its send queue.
    public static let tryAgainLater = Self(rawValue: 1013)
    public static let tokenExpired = Self(rawValue: 4401)
    public static let removedByOperator = Self(rawValue: 4403)

    /// Whether an endpoint may put the code on the wire: registered and not reserved for local use, or in the
    /// ranges for libraries (3000–3999) and applications (4000–4999).
    public var isAllowedOnWire: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
