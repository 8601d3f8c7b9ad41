import ChatHandlers
import ChatModel
import LoadTest
import Tokens

/// What `muster load` was asked to do, checked.
struct LoadSettings {
    enum Credentials {
        /// The URL has what is needed.
        case inURL
        case given([String])
        case minted(TokenMinter, TenantID, issuer: String?, audience: String?)
    }

    var plan: LoadPlan
    /// Nil for a server of its own.
    var endpoint: Endpoint?
    var credentials: Credentials
    var roomPrefix: String
    var isOrdered: Bool
    var jsonPath: String?
    var htmlPath: String?
    /// For a server of its own: the secret that it shares with the minter, and every setting of a server.
    var ownSecret: String?
    var variables: [String: String]

    let run = UInt32.random(in: 1 ... .max)

    init(_ arguments: Arguments) throws {
        do throws(SettingError) {
            plan = try Self.plan(VariableReader(arguments.variables))
        } catch {
            throw arguments.explain(error.description)
        }
        do throws(LoadError) {
            endpoint = try arguments.text("MUSTER_URL").map { text throws(LoadError) in try Endpoint(text) }
        } catch {
            throw UsageError(error.description)
        }
        let environment = processEnvironment()
        // As curl looks for them itself; an empty one is as if unset.
        plan.authorities = [arguments.text("MUSTER_CA"), environment["CURL_CA_BUNDLE"], environment["SSL_CERT_FILE"]]
            .compactMap { $0 }.first { !$0.isEmpty }
        roomPrefix = arguments.text("MUSTER_ROOM_PREFIX") ?? "load-\(String(run, radix: 16))-"
        guard RoomID(roomPrefix + "\(plan.rooms)") != nil else {
            throw UsageError("\(arguments.name(of: "MUSTER_ROOM_PREFIX")) is of the characters A-Z a-z 0-9 . _ : @ -")
        }
        isOrdered = try !arguments.isOn("MUSTER_UNORDERED")
        jsonPath = arguments.text("MUSTER_JSON")
        htmlPath = arguments.text("MUSTER_HTML")
        variables = arguments.variables
        if endpoint == nil { ownSecret = (0..<4).map { _ in String(UInt64.random(in: .max / 2 ... .max), radix: 16) }.joined() }
        credentials = try Self.credentials(arguments, endpoint, ownSecret: ownSecret)
    }

    private static func plan(_ read: VariableReader) throws(SettingError) -> LoadPlan {
        let rate = try read.choice("MUSTER_RATE", "a number from 0 to 10000000") { text in
            Double(text).flatMap { $0 >= 0 && $0 <= 10_000_000 && text.allSatisfy { "0123456789.".contains($0) } ? $0 : nil }
        }
        var plan = LoadPlan(
            rooms: try read.count("MUSTER_ROOMS", 1...1_000_000) ?? 10, members: try read.count("MUSTER_MEMBERS", 1...1_000_000) ?? 100,
            pacing: .open(perSecond: rate ?? 100), duration: Double(try read.seconds("MUSTER_DURATION", 1...604_800)?.count ?? 30))
        plan.ramp = try read.seconds("MUSTER_RAMP", 0...86_400).map { Double($0.count) }
        plan.bodyBytes = try read.count("MUSTER_BODY_SIZE", Stamp.byteCount...Limits.bodyBytes) ?? plan.bodyBytes
        plan.connectTimeout = try read.seconds("MUSTER_TIMEOUT", 1...3600).map { Double($0.count) } ?? plan.connectTimeout
        plan.drain = try read.seconds("MUSTER_DRAIN", 0...3600).map { Double($0.count) } ?? plan.drain
        plan.sources = read.text("MUSTER_SOURCE")?.split(separator: ",").map(String.init) ?? []
        _ = try read.count("MUSTER_THREADS", 1...256)
        return plan
    }

    private static func credentials(_ arguments: Arguments, _ endpoint: Endpoint?, ownSecret: String?) throws -> Credentials {
        let service: ServiceEnvironment
        do throws(SettingError) {
            service = try ServiceEnvironment(arguments.variables)
        } catch {
            throw arguments.explain(error.description)
        }
        if endpoint != nil {
            if let token = arguments.text("MUSTER_TOKEN") { return .given([token]) }
            if let path = arguments.text("MUSTER_TOKENS") { return .given(try tokens(path)) }
            if endpoint?.has("token") == true { return .inURL }
        }
        let name = arguments.text("MUSTER_TENANT") ?? "load"
        guard let tenant = TenantID(name) else {
            throw UsageError("\(arguments.name(of: "MUSTER_TENANT")) is 1 to 128 of the characters A-Z a-z 0-9 . _ : @ -")
        }
        guard let secret = try ownSecret ?? service.secret ?? arguments.generatedSecret() else {
            throw CommandFailure("no token: give --token, --tokens or --jwt-secret, or --data with the server's folder")
        }
        return .minted(
            try arguments.minter(secret, for: service), tenant, issuer: service.rules.issuer, audience: service.rules.audience)
    }

    private static func tokens(_ path: String) throws -> [String] {
        guard let text = TextFile.read(path) else { throw CommandFailure("cannot read the tokens in \(path)") }
        let tokens = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard !tokens.isEmpty else { throw CommandFailure("there is no token in \(path)") }
        return tokens
    }
}
