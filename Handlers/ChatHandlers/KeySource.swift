import Tokens

/// Where a key set comes from; a composition root knows how to get there.
public protocol KeySource: Sendable {
    /// For the log: a path, or a URL without its query.
    var name: String { get }

    /// Whether the set may hold shared secrets (`oct`): in a file, never at a URL.
    var mayHoldSecrets: Bool { get }

    /// The whole document as it is now, of at most `JWKSet.maxBytes`, within seconds.
    func fetch() async throws(KeySetFailure) -> [UInt8]
}

/// Why there is no key set, or none that is newer.
public enum KeySetFailure: Error, Equatable, Sendable {
    /// It cannot be read, for this reason.
    case unreadable(String)
    /// What was read is no key set.
    case malformed(KeyError)
    /// Who was fetching it no longer waits.
    case cancelled

    /// The failure in words for the log, free of anything from the set.
    public var logReason: String {
        switch self {
        case .unreadable(let reason): reason
        case .malformed(let error): error.logReason
        case .cancelled: "cancelled"
        }
    }
}
