import AWSClient
import DynamoTable
import Glibc
import Logs

/// Where a service keeps what it knows.
enum Place {
    /// The data folder of a local server.
    case folder(String)
    /// A deployment's DynamoDB table.
    case table(String)

    /// What is named by a flag comes before what the environment names.
    init(_ arguments: Arguments) throws(UsageError) {
        let folder = arguments.text("MUSTER_DATA")
        if let name = arguments.text("MUSTER_TABLE") {
            let (isTableFlag, isFolderFlag) = (arguments.isFlag("MUSTER_TABLE"), arguments.isFlag("MUSTER_DATA"))
            guard folder == nil || isTableFlag != isFolderFlag else {
                throw UsageError("\(arguments.name(of: "MUSTER_TABLE")) and \(arguments.name(of: "MUSTER_DATA")) exclude each other")
            }
            if folder == nil || isTableFlag {
                self = .table(name)
                return
            }
        }
        self = .folder(folder ?? ".muster")
    }

    /// The database of a folder, which is there.
    static func database(in folder: String) throws(CommandFailure) -> String {
        let path = folder + "/chat.sqlite"
        guard unsafe access(path, F_OK) == 0 else {
            throw CommandFailure("there is no database \(path); name the server's data folder with --data, or a DynamoDB table with --table")
        }
        return path
    }
}

/// A deployment on AWS, as the AWS CLI would reach it.
struct Deployment {
    let table: DynamoTable
    let client: AWSClient

    init(table name: String, log: Log) throws(CommandFailure) {
        do throws(AWSConfigurationError) {
            let configuration = try AWSConfiguration(environmentVariable)
            client = AWSClient(configuration, log: log)
            table = DynamoTable(caller: client, name: name, region: configuration.region)
        } catch {
            throw CommandFailure(error.description)
        }
    }
}

/// Nil for one that is empty.
func environmentVariable(_ name: String) -> String? {
    guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
    return unsafe String(cString: value)
}
