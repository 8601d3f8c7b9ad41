import ChatModel

/// What a run is about: who there is, and what the service is made of.
struct Scenario {
    /// Where the handlers run.
    enum Engine: Equatable {
        /// Functions: one event at a time in an instance, any number of instances, a schedule, a stream, a queue.
        case functions
        /// One server with everything in it, as `muster serve` is.
        case server
    }

    var engine: Engine
    var settings = Settings()
    var weather: Weather
    /// Items that a page of a query has at most.
    var pageSize: Int
    /// How long indexes, and reads that are not strong, may lag, in milliseconds.
    var lag: Int
    var tenants: [String]
    var users: [String]
    var rooms: [String]
    var devices: Int
    /// Connections in a room above which a fan-out goes through the queue; nil without one.
    var fanoutThreshold: Int?
    /// Whether an authorizer stands before `$connect` and later events carry what it said.
    var hasAuthorizer: Bool
    /// Milliseconds that an instance's clock is ahead or behind at most.
    var skew: Int
    /// Bytes of a message's body, where it is to be long.
    var bodyBytes: Int?
    var operations: Int

    /// Operations that every run has at least.
    static let leastOperations = 100

    static func draw(_ chance: inout Chance) -> Scenario {
        let engine = chance.isOne(in: 4) ? Engine.server : .functions
        var settings = Settings()
        settings.presenceTTL = Seconds(Int64(chance.pick([60, 60, 60, 60, 90, 90, 120, 240, 600])))
        settings.connectionsPerUser = chance.pick([2, 3, 20, 20])
        if chance.isOne(in: 8) { settings.historyTTL = Seconds(Int64(chance.pick([30, 120, 600]))) }
        let isFunctions = engine == .functions
        // Nine of these are more than a frame has room for. They cost time.
        let bodyBytes = chance.isOne(in: 60) ? 15_000 : nil
        if bodyBytes != nil { settings.historyTTL = nil }
        return Scenario(
            engine: engine, settings: settings, weather: isFunctions ? Weather.draw(&chance) : Weather.draw(&chance).indoors, pageSize: chance.pick([1, 2, 3, 5, 1000]),
            lag: isFunctions ? chance.pick([0, 20, 500, 3000]) : 0,
            tenants: chance.isOne(in: 2) && bodyBytes == nil ? ["acme", "globex"] : ["acme"],
            // Some need escaping in keys, one is the beginning of others.
            users: Array(["ann", "bo#b", "a", "a b", "%41"].prefix(chance.within(2...5))),
            rooms: Array(["lobby", "den", "attic"].prefix(bodyBytes == nil ? chance.within(1...3) : 1)), devices: chance.within(4...9),
            fanoutThreshold: isFunctions && chance.isOne(in: 5) ? chance.within(1...3) : nil,
            hasAuthorizer: isFunctions && chance.isOne(in: 3), skew: isFunctions ? chance.pick([0, 0, 50, 400]) : 0, bodyBytes: bodyBytes,
            operations: chance.within(leastOperations...leastOperations + 40))
    }
}
