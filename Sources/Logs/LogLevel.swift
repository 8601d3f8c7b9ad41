/// How much an event matters, from least to most.
public enum LogLevel: String, Sendable, CaseIterable, Comparable {
    /// Each step of the protocol.
    case trace
    /// What a developer needs to follow one connection.
    case debug
    /// What an operator wants to have happened.
    case info
    /// Something to look at that the service got over.
    case warning
    /// Something that failed.
    case error

    /// The level of this name (`trace`, `debug`, `info`, `warning` or `error`), or nil.
    public init?(_ name: String) {
        self.init(rawValue: name)
    }

    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.severity < right.severity
    }

    private var severity: Int {
        switch self {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .warning: 3
        case .error: 4
        }
    }

    var label: String {
        switch self {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info: "INFO"
        case .warning: "WARNING"
        case .error: "ERROR"
        }
    }
}
