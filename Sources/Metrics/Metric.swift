/// What the service counts, by the names under which CloudWatch shows it.
public enum Metric: String, CaseIterable, Sendable {
    /// Frames handed to connections.
    case postsSent = "PostsSent"
    /// Posts whose connection did not exist (410).
    case postsGone = "PostsGone"
    /// Posts given up: refused, or not answered in time.
    case postsFailed = "PostsFailed"
    /// Connections whose frame was queued for the `Fanout` function.
    case fanoutQueued = "FanoutQueued"
    case tableCalls = "TableCalls"
    /// Calls to the table that were made again.
    case tableRetries = "TableRetries"
    /// Answers of the table that said it has too much to do.
    case tableThrottles = "TableThrottles"
    case connectionsOpened = "ConnectionsOpened"
    case connectionsEnded = "ConnectionsEnded"
    case messagesStored = "MessagesStored"
    /// Joins and leaves that the members of a room were told of.
    case presencePublished = "PresencePublished"
    /// Client frames answered with an error frame.
    case framesRefused = "FramesRefused"
    /// How far the sweep is behind the present, where it begins: two minutes and the time since the last round.
    case sweepLag = "SweepLag"

    var unit: String { self == .sweepLag ? "Seconds" : "Count" }

    fileprivate static let places = Dictionary(uniqueKeysWithValues: zip(allCases, allCases.indices))
    var place: Int { Metric.places[self]! }
}
