/// Structured logging: one line per event, with the fields of its context.
///
/// ```swift
/// let log = log.with(["connectionId": id])
/// log.info("room joined", ["roomId": room, "members": count])
/// ```
///
/// Whatever a field contains, an event is one line and its fields are its own: control characters are escaped, so a
/// client that names itself with line breaks or terminal codes forges nothing.
public struct Log: Sendable {
    /// Takes one line, its line feed included. Called on the thread that logs.
    public typealias Sink = @Sendable ([UInt8]) -> Void

    /// Events below this level cost one comparison: their fields are not even evaluated.
    public let level: LogLevel
    public let format: LogFormat

    private let sink: Sink
    private let clock: @Sendable () -> Int64
    private var context: LogFields

    /// - Parameter clock: the time of an event, in milliseconds since the epoch.
    public init(
        level: LogLevel = .info, format: LogFormat = .text,
        clock: @escaping @Sendable () -> Int64 = Log.systemClock,
        sink: @escaping Sink = Log.standardError
    ) {
        self.level = level
        self.format = format
        self.clock = clock
        self.sink = sink
        context = [:]
    }

    /// Fields of every event logged by this task and those it starts, whatever log it goes to: the ids of a Lambda
    /// invocation. A log's own fields of the same name replace them.
    @TaskLocal public static var ambient: LogFields = [:]

    /// A log that writes nothing.
    public static let silent = Log(level: .error, sink: { _ in })

    /// A log whose every event carries these fields as well; one of a name already there replaces it.
    public func with(_ fields: LogFields) -> Log {
        var child = self
        child.context.replace(with: fields)
        return child
    }

    public func isEnabled(_ level: LogLevel) -> Bool {
        level >= self.level
    }

    /// Writes one line if `level` is enabled. A field with the name of a context field replaces it.
    public func log(_ level: LogLevel, _ event: String, _ fields: @autoclosure () -> LogFields = [:]) {
        guard isEnabled(level) else { return }
        var all = Log.ambient
        all.replace(with: context)
        all.replace(with: fields())
        sink(format.line(time: clock(), level: level, event: event, fields: all.fields))
    }

    public func trace(_ event: String, _ fields: @autoclosure () -> LogFields = [:]) {
        log(.trace, event, fields())
    }

    public func debug(_ event: String, _ fields: @autoclosure () -> LogFields = [:]) {
        log(.debug, event, fields())
    }

    public func info(_ event: String, _ fields: @autoclosure () -> LogFields = [:]) {
        log(.info, event, fields())
    }

    public func warning(_ event: String, _ fields: @autoclosure () -> LogFields = [:]) {
        log(.warning, event, fields())
    }

    public func error(_ event: String, _ fields: @autoclosure () -> LogFields = [:]) {
        log(.error, event, fields())
    }
}
