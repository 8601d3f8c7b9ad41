import ChatHandlers
import ChatModel
import Gateway
import Glibc
import KeySources
import LocalServer
import Logs
import Tokens

/// `muster serve`: the whole service on this machine.
enum Serve: Command {
    static let name = "serve"
    static let synopsis = "[flags]"
    static let summary = "Runs the whole service on this machine: gateway, handlers, SQLite, cleanup."
    static let positionals = 0...0
    static let options = [
        Option("host", "ADDRESS", "address to listen on (127.0.0.1)"),
        Option("port", "PORT", "port to listen on; 0: any free one (8080)"),
        Option("management", "HOST:PORT", "address of the management listener (127.0.0.1:8081)"),
        Option("management-token", "TOKEN", "bearer token of the management listener, needed off loopback; better given as MUSTER_MANAGEMENT_TOKEN"),
        Option("data", "DIR", "folder of the database and the generated secret (.muster)"),
        Option("stage", "NAME", "stage name in events and management paths (local)"),
        Option("handlers", "in-process|DIR", "run DIR/<Handler>/bootstrap as children instead of in this process"),
        Option("handler-concurrency", "N", "children of one handler at most (8)"),
        Option("threads", "N", "event-loop threads (the processors)"),
        Option("send-queue", "BYTES", "bytes that may wait for one connection before it is closed with 1013 (1048576)"),
        Option("jwt-secret", "SECRET", "HMAC key of tokens, at least 32 bytes; better given as MUSTER_JWT_SECRET"),
        Option("jwks", "PATH|URL", "JSON Web Key Set of tokens: a file, or an https:// URL that is fetched again for new keys"),
        Option("ca", "FILE", "certificate authorities for --jwks, in PEM (CURL_CA_BUNDLE, SSL_CERT_FILE, AWS_CA_BUNDLE, the system's)"),
        Option("jwt-issuer", "TEXT", "the iss that tokens must have"),
        Option("jwt-audience", "TEXT", "the aud that tokens must have"),
        Option("tenant-claim", "NAME", "the claim that names the tenant (tenantId)"),
        Option("allowed-origins", "LIST", "origins to connect from, separated by commas, such as https://*.example.com (all)"),
        Option("max-connections-per-user", "N", "live connections of one user (20)"),
        Option("max-connections-per-ip", "N", "connections of one address; 0: no limit (1000, and no limit on loopback)"),
        Option("presence-ttl", "DURATION", "a connection's lease from its last frame (10m)"),
        Option("history-ttl", "DURATION", "how long messages are kept (for ever)"),
        Option("rate-limit", "N", "messages per second and connection, bursts of twice that; 0: off (20)"),
        Option("idle-timeout", "DURATION", "a connection without frames is closed with 1001 (10m)"),
        Option("max-age", "DURATION", "a connection this old is closed with 1001 (2h)"),
        Option("log-level", "LEVEL", "trace, debug, info, warning or error (info)"),
        Option("log-format", "FORMAT", "text or json (text)"),
    ]

    static func run(_ arguments: Arguments) async throws {
        let configuration = try configuration(arguments)
        raiseDescriptorLimit()
        let server: LocalServer
        do throws(ServerError) {
            server = try await LocalServer(configuration)
        } catch {
            throw CommandFailure(error.description)
        }
        let address = "\(bracketed(configuration.host)):\(server.port)"
        Output.write(
            "muster: listening on ws://\(address) (management http://\(bracketed(configuration.managementHost)):\(server.managementPort))\n")
        if let secret = server.generatedSecret { try printInvitation(secret, address, configuration) }
        waitForStopSignal()
        await server.stop()
    }

    static func configuration(_ arguments: Arguments) throws(UsageError) -> ServerConfiguration {
        var variables = arguments.variables
        if arguments.text("MUSTER_LOG_FORMAT") == nil { variables["MUSTER_LOG_FORMAT"] = "text" }
        let process = processEnvironment()
        for name in ServiceEnvironment.authorityNames where variables[name] == nil { variables[name] = process[name] }
        do throws(SettingError) {
            let environment = try ServiceEnvironment(variables)
            let log = Log(level: environment.logLevel, format: environment.logFormat)
            _ = try environment.verifier(try environment.keySource(), log: log)
            var configuration = ServerConfiguration(environment: environment, log: log)
            let read = VariableReader(variables)
            configuration.host = read.text("MUSTER_HOST") ?? configuration.host
            configuration.port = try read.port("MUSTER_PORT") ?? configuration.port
            if let management = read.text("MUSTER_MANAGEMENT") {
                (configuration.managementHost, configuration.managementPort) = try hostAndPort(management)
            }
            configuration.managementToken = try read.managementToken("MUSTER_MANAGEMENT_TOKEN")
            if configuration.managementToken == nil, Gateway.isLoopback(configuration.managementHost) == false {
                throw SettingError(
                    "MUSTER_MANAGEMENT is '\(configuration.managementHost)', which other machines reach: "
                        + "give a --management-token too, or a loopback address such as 127.0.0.1:8081")
            }
            if let token = configuration.managementToken, token.utf8.count < Limits.safeManagementTokenBytes {
                log.warning(
                    "the management token is easy to guess", ["bytes": token.utf8.count, "advised": Limits.safeManagementTokenBytes])
            }
            configuration.sendQueueBytes = try read.count("MUSTER_SEND_QUEUE", 1024...(1 << 30)) ?? configuration.sendQueueBytes
            configuration.dataFolder = read.text("MUSTER_DATA") ?? configuration.dataFolder
            configuration.stage = try read.choice("MUSTER_STAGE", "letters, digits, _ and -", stage) ?? configuration.stage
            if let handlers = read.text("MUSTER_HANDLERS"), handlers != "in-process" { configuration.handlersFolder = handlers }
            configuration.handlerConcurrency = try read.count("MUSTER_HANDLER_CONCURRENCY", 1...1000) ?? configuration.handlerConcurrency
            configuration.threads = try read.count("MUSTER_THREADS", 1...256) ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            if let most = try read.count("MUSTER_MAX_CONNECTIONS_PER_IP", 0...1_000_000) {
                configuration.addressLimit = AddressLimit(connections: most, countsLoopback: true)
            }
            configuration.idleTimeout = try read.seconds("MUSTER_IDLE_TIMEOUT", 1...604_800) ?? configuration.idleTimeout
            return configuration
        } catch {
            throw arguments.explain(error.description)
        }
    }

    /// With a generated secret: lines that make two people chat.
    private static func printInvitation(
        _ secret: String, _ address: String, _ configuration: ServerConfiguration
    ) throws {
        let minter = try TokenMinter(secret: Array(secret.utf8), tenantClaim: configuration.environment.rules.tenantClaim)
        var text = "\nPaste one of these into each of two terminals:\n\n"
        for user in ["alice", "bob"] {
            var token = NewToken(user: user, tenant: "acme", expiresIn: 86_400)
            token.issuer = configuration.environment.rules.issuer
            token.audience = configuration.environment.rules.audience
            let jwt = minter.mint(token, now: SystemClock().now().milliseconds)
            text += "  wscat -c 'ws://\(address)/?token=\(jwt)'   # \(user)\n"
        }
        text += """

            then type into both, and watch the other:

              {"action":"joinRoom","roomId":"lobby"}
              {"action":"sendMessage","roomId":"lobby","body":"hello"}

            Who is online: muster online acme --data \(configuration.dataFolder)

            """
        Output.write(text)
    }
}

/// The value of `MUSTER_MANAGEMENT`.
func hostAndPort(_ text: String) throws(SettingError) -> (String, UInt16) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
        throw SettingError("MUSTER_MANAGEMENT is '\(text)': give HOST:PORT")
    }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty else { throw SettingError("MUSTER_MANAGEMENT is '\(text)': give HOST:PORT") }
    return (host, port)
}

private func stage(_ text: String) -> String? {
    let isPlain = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
    return isPlain && text.utf8.count <= 128 ? text : nil
}

private func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }

extension VariableReader {
    func port(_ name: String) throws(SettingError) -> UInt16? {
        try choice(name, "a port from 0 to 65535") { UInt16($0) }
    }

    /// A token that fits a field; an error never repeats it.
    func managementToken(_ name: String) throws(SettingError) -> String? {
        guard let token = text(name) else { return nil }
        let bytes = Limits.managementTokenBytes
        guard bytes.contains(token.utf8.count), token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw SettingError("\(name) is unfit: give \(bytes.lowerBound) to \(bytes.upperBound) letters, digits and signs without blanks")
        }
        return token
    }
}
