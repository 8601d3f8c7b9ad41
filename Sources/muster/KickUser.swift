import AWSPosters
import ChatHandlers
import ChatModel
import ChatStore
import JSONCoding
import LocalServer
import Logs

/// `muster kick`: removes a user, through the server that runs, in the file of one that does not, or in a deployment.
enum KickUser: Command {
    static let name = "kick"
    static let synopsis = "USER --tenant T [flags]"
    static let summary = "Closes every connection of a user and refuses tokens issued before now."
    static let positionals = 1...1
    static let options = [
        Option("tenant", "T", "the user's tenant"),
        Option("json", nil, "print one JSON object"),
        Option("data", "DIR", "the server's data folder (.muster)"),
        Option("management", "HOST:PORT", "the server's management listener; found in the data folder without"),
        Option("management-token", "TOKEN", "what the listener wants as a bearer; better given as MUSTER_MANAGEMENT_TOKEN"),
        Option("table", "NAME", "a DynamoDB table instead; region and credentials as the AWS CLI takes them"),
        Option("endpoint", "URL", "with a table: where @connections is, with the stage (WEBSOCKET_ENDPOINT)"),
    ]

    static func run(_ arguments: Arguments) async throws {
        guard let id = UserID(arguments.positional[0]) else { throw UsageError("USER is 1 to 256 bytes without control characters") }
        guard let name = arguments.text("MUSTER_TENANT") else { throw UsageError("--tenant is missing") }
        guard let tenant = TenantID(name) else {
            throw UsageError("\(arguments.name(of: "MUSTER_TENANT")) is 1 to 128 of the characters A-Z a-z 0-9 . _ : @ -")
        }
        let isJSON = try arguments.isOn("MUSTER_JSON")
        let report = try await kick(User(tenant, id), arguments)
        Output.write((isJSON ? String(decoding: report, as: UTF8.self) : try line(report)) + "\n")
    }

    private static func kick(_ user: User, _ arguments: Arguments) async throws -> [UInt8] {
        let token = arguments.text("MUSTER_MANAGEMENT_TOKEN")
        let place = try Place(arguments)
        if let address = arguments.text("MUSTER_MANAGEMENT"), isMeant(address, arguments) {
            let (host, port) = try managementAddress(address, arguments)
            guard let report = try RunningServer(host: host, port: port, token: token).kick(user) else {
                throw CommandFailure("nobody listens on \(address); start the server, or leave --management away if it does not run")
            }
            return report
        }
        switch place {
        case .table(let name): return try await kick(user, inTable: name, arguments)
        case .folder(let folder): return try await kick(user, in: folder, token: token)
        }
    }

    /// An address in the environment is the one that the server is started with: the data folder knows better.
    private static func isMeant(_ address: String, _ arguments: Arguments) -> Bool {
        if arguments.isFlag("MUSTER_MANAGEMENT") { return true }
        return arguments.text("MUSTER_DATA") == nil && arguments.text("MUSTER_TABLE") == nil && !address.hasSuffix(":0")
    }

    private static func managementAddress(_ text: String, _ arguments: Arguments) throws -> (String, UInt16) {
        if arguments.isFlag("MUSTER_TABLE") { throw UsageError("--table and \(arguments.name(of: "MUSTER_MANAGEMENT")) exclude each other") }
        do throws(SettingError) {
            return try hostAndPort(text)
        } catch {
            throw arguments.explain(error.description)
        }
    }

    // MARK: - A local server

    /// How long a server may take to start or to stop.
    private static let patience = Duration.seconds(10)

    /// Asks the server that has the folder, and if none has, writes to its file.
    private static func kick(_ user: User, in folder: String, token: String?) async throws -> [UInt8] {
        _ = try Place.database(in: folder)
        let deadline = ContinuousClock.now + patience
        repeat {
            if let report = try await inFile(user, folder) { return report.encoded() }
            if let (host, port) = DataFolder.managementAddress(in: folder),
                let report = try RunningServer(host: host, port: port, token: token).kick(user)
            {
                return report
            }
            // It is starting or stopping.
            try? await Task.sleep(for: .milliseconds(100))
        } while ContinuousClock.now < deadline
        throw CommandFailure("a server has the data folder \(folder) and does not answer; name its listener with --management")
    }

    private static func inFile(_ user: User, _ folder: String) async throws -> KickReport? {
        do throws(ServerError) {
            return try await StoppedServer.kick(user, in: folder, log: Log(level: .warning, format: .text))
        } catch {
            throw CommandFailure(error.description)
        }
    }

    // MARK: - A deployment

    private static func kick(_ user: User, inTable name: String, _ arguments: Arguments) async throws -> [UInt8] {
        let log = Log(level: .warning, format: .text)
        let endpoint = try endpoint(arguments)
        let deployment = try Deployment(table: name, log: log)
        let kick = Kick(
            ChatServices(
                table: deployment.table, poster: ConnectionsPoster(caller: deployment.client, endpoint: endpoint, log: log),
                verifier: nil, settings: Settings(), pause: ChatServices.backOff, log: log))
        do throws(KickError) {
            let report = try await kick.run(user)
            try await kick.settle(report)
            return report.encoded()
        } catch {
            switch error {
            case .engine(let error): throw CommandFailure("\(error); what was done stays: run it again")
            case .mayBeOpen: throw CommandFailure("a connection could not be closed, as said above; correct that, and run it again")
            }
        }
    }

    private static func endpoint(_ arguments: Arguments) throws -> ManagementEndpoint {
        let variables = ["WEBSOCKET_ENDPOINT", "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"]
        guard let url = arguments.text("MUSTER_ENDPOINT") ?? variables.lazy.compactMap(environmentVariable).first else {
            throw UsageError(
                "--endpoint is missing: give the WebSocket URL of the deployment with its stage, such as wss://abc.execute-api.eu-west-1.amazonaws.com/live")
        }
        do throws(AWSPostersError) {
            // What a deployment calls its URL is the clients'; @connections is at the same place.
            return try ManagementEndpoint(url.hasPrefix("ws") ? "http" + url.dropFirst(2) : url)
        } catch {
            throw UsageError("\(arguments.text("MUSTER_ENDPOINT") == nil ? "WEBSOCKET_ENDPOINT" : arguments.name(of: "MUSTER_ENDPOINT")): \(error)")
        }
    }

    // MARK: - What was done

    private static func line(_ report: [UInt8]) throws -> String {
        guard let object = (try? JSONParser.parse(report))?.object, let user = object["userId"]?.string,
            let tenant = object["tenantId"]?.string, let connections = object["connections"]?.int64,
            let refusedUntil = object["refusedUntil"]?.string
        else { throw CommandFailure("the server's answer cannot be read; is it of another version?") }
        let count = connections == 1 ? "1 connection" : "\(connections) connections"
        return "kicked \(user) of \(tenant): \(count) closed; tokens issued until \(refusedUntil) are refused"
    }
}
