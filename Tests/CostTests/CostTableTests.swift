import Foundation
import Testing

/// `schema/cost.md` says what is counted here.
struct CostTableTests {
    static let document = URL(filePath: #filePath).appending(path: "../../../schema/cost.md").standardized

    /// The cells of the document's rows whose first cell is one of these actions, for one size of room.
    static func stated(_ size: Int) throws -> [String: String] {
        var stated: [String: String] = [:]
        var column: Int?
        for line in try String(contentsOf: document, encoding: .utf8).split(separator: "\n") where line.hasPrefix("|") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                .map { $0.trimmingCharacters(in: .whitespaces) }
            if ["action", "dollars", "naive action"].contains(cells.first) {
                column = cells.firstIndex(of: "room of \(size.formatted(.number.locale(Locale(identifier: "en_US"))))")
            } else if let column, let first = cells.first, column < cells.count {
                stated[first] = stated[first] ?? cells[column]
            }
        }
        return stated
    }

    @Test(arguments: [10, 100, 1000]) func `the table of costs is what is counted`(size: Int) async throws {
        let stated = try Self.stated(size)
        for cost in try await RoomCosts(room: size).counted() {
            #expect(stated[cost.action] == cost.description, "\(cost.action) in a room of \(size)")
        }
    }

    @Test func `a send to a room of a hundred keeps its bounds`() async throws {
        let costs = Dictionary(uniqueKeysWithValues: try await RoomCosts(room: 100).counted().map { ($0.action, $0) })
        let send = try #require(costs["`sendMessage`"])
        #expect(send.write <= 4 && send.read <= 8 && send.posts == 99)
        let named = try #require(costs["… with `clientMessageId`"])
        #expect(named.write <= 6 && named.read <= 8 && named.posts == 99)
        #expect(costs["`heartbeat`, lease fresh"]?.write == 0)
        #expect(costs["`heartbeat` after a quarter of the lease"]?.write == 1)
    }

    @Test func `an hour of a quiet client`() async throws {
        let hour = try await QuietHour.counted()
        #expect(hour.heartbeats == Units(read: 12, write: 12, index: 0))
        #expect(hour.sweep == Units(read: 6, write: 18, index: 0))
    }

    /// Dollars a million, as `schema/cost.md` assumes them.
    private static let (message, readUnit, writeUnit) = (1.0, 0.125, 0.625)

    @Test(arguments: [10, 100, 1000]) func `a message's dollars follow from its units`(size: Int) async throws {
        let stated = try Self.stated(size)
        let costs = Dictionary(uniqueKeysWithValues: try await RoomCosts(room: size).counted().map { ($0.action, $0) })
        let (send, named) = (try #require(costs["`sendMessage`"]), try #require(costs["… with `clientMessageId`"]))
        func table(_ cost: ActionCost) -> Double { cost.read * Self.readUnit + Double(cost.write) * Self.writeUnit }
        #expect(stated["Muster: WebSocket messages"] == dollars(Double(send.posts + 2) * Self.message))
        #expect(stated["Muster: table"] == dollars(table(send)))
        #expect(stated["Muster: table, with `clientMessageId`"] == dollars(table(named)))
    }

    private func dollars(_ amount: Double) -> String {
        amount.formatted(.number.precision(.fractionLength(2)).rounded(rule: .toNearestOrAwayFromZero).locale(Locale(identifier: "en_US")))
    }
}
