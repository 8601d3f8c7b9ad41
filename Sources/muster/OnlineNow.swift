import ChatModel
import ChatStore
import ChatWire
import Logs
import SQLiteTable

/// `muster online`: who is online, from the local server's file, whether it runs or not, or from a deployment's DynamoDB table.
enum OnlineNow: Command {
    static let name = "online"
    static let synopsis = "TENANT [flags]"
    static let summary = "Lists who is online in a tenant, or in one of its rooms."
    static let positionals = 1...1
    static let options = [
        Option("room", "R", "only who is in this room"),
        Option("json", nil, "print one JSON object"),
        Option("data", "DIR", "the server's data folder (.muster)"),
        Option("table", "NAME", "a DynamoDB table instead; region and credentials as the AWS CLI takes them"),
    ]

    static func run(_ arguments: Arguments) async throws {
        guard let tenant = TenantID(arguments.positional[0]) else {
            throw UsageError("TENANT is 1 to 128 of the characters A-Z a-z 0-9 . _ : @ -")
        }
        let room = arguments.text("MUSTER_ROOM").map { RoomID($0) }
        if case .some(nil) = room {
            throw UsageError("\(arguments.name(of: "MUSTER_ROOM")) is 1 to 128 of the characters A-Z a-z 0-9 . _ : @ -")
        }
        let isJSON = try arguments.isOn("MUSTER_JSON")
        let stored = try source(arguments)
        let users = try await everyone(tenant, room ?? nil, in: stored)
        Output.write(isJSON ? String(decoding: ServerFrame.onlineReport(tenant, users), as: UTF8.self) + "\n" : table(users))
    }

    private static func source(_ arguments: Arguments) throws -> any Table {
        switch try Place(arguments) {
        case .table(let name): return try Deployment(table: name, log: Log(level: .warning, format: .text)).table
        case .folder(let folder):
            do {
                return try SQLiteTable(path: try Place.database(in: folder), mode: .readOnly)
            } catch let error as SQLiteTableError {
                throw CommandFailure("\(error)")
            }
        }
    }

    private static func everyone(_ tenant: TenantID, _ room: RoomID?, in table: any Table) async throws -> [OnlineUser] {
        do {
            let repository = ChatRepository(table: table, settings: Settings())
            return try await repository.everyoneOnline(tenant, room, at: SystemClock().now())
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private static func table(_ users: [OnlineUser]) -> String {
        guard !users.isEmpty else { return "nobody is online\n" }
        let width = max(4, users.map(\.userID.text.count).max() ?? 0)
        func row(_ user: String, _ connections: String, _ lastSeen: String) -> String {
            user + String(repeating: " ", count: width - user.count) + "  "
                + String(repeating: " ", count: 11 - connections.count) + connections + "  " + lastSeen + "\n"
        }
        return row("USER", "CONNECTIONS", "LAST SEEN")
            + users.map { row($0.userID.text, "\($0.connections)", $0.lastSeen.description) }.joined()
    }
}
