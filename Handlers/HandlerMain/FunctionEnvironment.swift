import AWSClient
import AWSPosters
import ChatBroadcast
import ChatHandlers
import ChatModel
import ChatStore
import DynamoTable
import Glibc
import KeySources
import Logs
import Metrics
import SQLiteTable

/// What a function is made of, as its environment says: the table, the sockets, the queue.
struct FunctionEnvironment {
    let service: ServiceEnvironment
    let log: Log
    let metrics = Metrics()
    /// The function's name, the dimension of its metrics; nil beside the local server, which gives its functions names too
    /// and does not read what they print.
    let functionName: String?
    private let read: VariableReader

    init() throws(SettingError) {
        let variables = FunctionEnvironment.variables()
        service = try ServiceEnvironment(variables)
        read = VariableReader(variables)
        log = Log(level: service.logLevel, format: service.logFormat)
        functionName = read.text("MUSTER_DATABASE") == nil ? read.text("AWS_LAMBDA_FUNCTION_NAME") : nil
    }

    /// Everything a handler needs that has connections to keep or to post to.
    struct Parts {
        var services: ChatServices
        /// Posts itself, also what is many.
        var direct: MeteredPoster
        var endpoint: ManagementEndpoint
        /// Nil where nothing calls AWS.
        var client: AWSClient?
    }

    func parts() throws(SettingError) -> Parts {
        let database = read.text("MUSTER_DATABASE")
        let client = AWSClient(try configuration(), log: log)
        AWSClient.warmUp()
        let endpoint = try managementEndpoint()
        let connections = ConnectionsPoster(
            caller: client, endpoint: endpoint,
            // Beside a file is the local server, whose management listener asks for no signature.
            service: database == nil ? .apiGateway : .localServer(token: read.text("MUSTER_MANAGEMENT_TOKEN")), log: log)
        let direct = MeteredPoster(connections, metrics)
        let poster: any Poster =
            if let queue = read.text("FANOUT_QUEUE_URL") {
                FanoutPoster(
                    direct: direct, queue: FanoutQueue(caller: client, url: queue, log: log),
                    threshold: try read.count("FANOUT_THRESHOLD", 1...1_000_000) ?? FanoutPoster.threshold,
                    onQueued: { [metrics] in metrics.add(.fanoutQueued, $0) }, log: log)
            } else {
                direct
            }
        let services = ChatServices(
            table: try table(database, client), poster: poster, verifier: try verifier(), settings: service.settings,
            rateLimit: service.rateLimit, pause: ChatServices.backOff, metrics: metrics, log: log)
        return Parts(services: services, direct: direct, endpoint: endpoint, client: client)
    }

    /// Nil where no key is configured.
    func verifier() throws(SettingError) -> (any TokenJudge)? { try service.verifier(try service.keySource(), log: log) }

    private func configuration() throws(SettingError) -> AWSConfiguration {
        do throws(AWSConfigurationError) {
            return try AWSConfiguration { read.text($0) }
        } catch {
            throw SettingError(error.description)
        }
    }

    private func managementEndpoint() throws(SettingError) -> ManagementEndpoint {
        let url = read.text("WEBSOCKET_ENDPOINT") ?? read.text("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI")
        do throws(AWSPostersError) {
            return try ManagementEndpoint(url)
        } catch {
            throw SettingError("WEBSOCKET_ENDPOINT: \(error)")
        }
    }

    private func table(_ database: String?, _ client: AWSClient) throws(SettingError) -> any Table {
        if let database {
            do throws(SQLiteTableError) {
                return try SQLiteTable(path: database)
            } catch {
                throw SettingError("\(error)")
            }
        }
        guard let name = read.text("MUSTER_TABLE") else {
            throw SettingError(
                "MUSTER_TABLE is missing: give the name of the DynamoDB table, or in MUSTER_DATABASE the path of a SQLite file")
        }
        return DynamoTable(caller: client, name: name, region: read.text("AWS_REGION"))
    }

    private static func variables() -> [String: String] {
        var variables: [String: String] = [:]
        for name in variableNames {
            if let value = unsafe getenv(name) { variables[name] = unsafe String(cString: value) }
        }
        return variables
    }

    private static let variableNames =
        ServiceEnvironment.variableNames + AWSConfiguration.variableNames + [
            "MUSTER_DATABASE", "MUSTER_TABLE", "MUSTER_MANAGEMENT_TOKEN", "WEBSOCKET_ENDPOINT",
            "FANOUT_QUEUE_URL", "FANOUT_THRESHOLD", "AWS_LAMBDA_FUNCTION_NAME",
        ]
}
