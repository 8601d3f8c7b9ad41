import ChatModel
import Foundation
import Testing

/// README's table of limits says what the constants say.
struct LimitsTableTests {
    private static let rows: [(what: String, bounds: [String])] = [
        ("message body", ["1 byte to \(kilobytes(Limits.bodyBytes))"]),
        ("frame, message", ["\(kilobytes(Limits.framePayloadBytes)), \(kilobytes(Limits.messageBytes))"]),
        ("arrays and objects in each other in a frame", ["\(Limits.jsonDepth)"]),
        ("tenant and room id, user id", ["\(Limits.plainNameBytes) bytes, \(Limits.userIDBytes) bytes"]),
        ("`requestId`, `clientMessageId`", ["\(Limits.requestIDBytes) bytes, \(Limits.clientMessageIDBytes) bytes"]),
        ("page of `history`, of `online`", ["\(Limits.historyPage) messages, \(count(Limits.onlinePage)) users"]),
        ("messages of a connection", ["\(Limits.ratePerSecond) per second, bursts of \(Limits.rateBurst)", "beyond \(count(Limits.ratedConnections)) connections"]),
        ("rooms of a connection", ["\(Limits.roomsPerConnection)"]),
        ("live connections of a user", ["\(Settings().connectionsPerUser) ("]),
        ("connections of an address", [count(Limits.connectionsPerAddress)]),
        ("token", [kilobytes(Limits.tokenBytes)]),
        ("query of a handshake, subprotocols it offers", ["\(Limits.queryItems) items, \(Limits.subprotocols)"]),
        ("presence frames", ["in rooms of up to \(count(Limits.presenceUsers)) users"]),
        ("lease", ["\(Settings().presenceTTL.count / 60) minutes"]),
        ("`clientMessageId` remembered", ["\(Limits.deduplication.count / 60) minutes"]),
        ("a connection's age", ["\(Settings().maxConnectionAge.count / 3600) hours"]),
        ("target of a request, its query included", [kilobytes(Limits.requestTargetBytes)]),
        ("request line and fields", ["\(Limits.requestFields) fields and \(kilobytes(Limits.requestHeadBytes)) in all"]),
        ("request body", ["\(kilobytes(Limits.requestBodyBytes)), on the management listener \(kilobytes(Limits.messageBytes))"]),
        ("management token", ["\(Limits.managementTokenBytes.lowerBound) to \(count(Limits.managementTokenBytes.upperBound))"]),
    ]

    @Test(arguments: rows) func `a row of the table is what the constant says`(what: String, bounds: [String]) throws {
        let readme = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../README.md")
        let lines = try String(contentsOf: readme, encoding: .utf8).split(separator: "\n").drop { $0 != "## Limits" }
        let row = try #require(lines.first { $0.hasPrefix("| \(what)") }, "no row of \(what)")
        let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(cells.count == 3 && cells[1].hasPrefix(bounds[0]), "\(row)")
        for bound in bounds { #expect(row.contains(bound), "\(bound) is not in \(row)") }
    }

    private static func kilobytes(_ bytes: Int) -> String { "\(bytes / 1024) KB" }

    private static func count(_ number: Int) -> String {
        number < 1000 ? "\(number)" : "\(number / 1000),\(String(format: "%03d", number % 1000))"
    }
}
