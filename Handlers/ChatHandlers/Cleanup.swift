import ChatBroadcast
import ChatModel
import ChatStore
import ChatWire
import Logs

/// `Cleanup`: ends what should have ended, invoked with stream records of the table's TTL or, with anything else, to sweep.
public struct Cleanup: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    /// - Returns: for records, the failures to deliver again; for a sweep, what was done.
    /// - Throws: when a sweep could not look at everything; invoking it again goes on where it stopped.
    public func handle(_ payload: [UInt8]) async throws -> [UInt8] {
        switch try CleanupEvent(decoding: payload) {
        case .records(let records): return batchFailures(await end(records))
        case .sweep: return try await Sweep(services).run().encoded()
        }
    }

    /// Ends the connections that the table's TTL deleted before anything else did.
    /// - Returns: the sequence numbers of the records that failed.
    private func end(_ records: [StreamRecord]) async -> [String] {
        var failed: [String] = []
        for record in records where record.isExpiry {
            guard let connection = EndingConnection(image: record.oldImage) else { continue }
            do throws(TableError) {
                try await endDeleted(connection)
            } catch {
                services.log.error("record failed", ["connectionId": connection.id.text, "error": "\(error)"])
                if let number = record.sequenceNumber { failed.append(number) }
            }
        }
        return failed
    }

    /// A record may be days late or repeated: only a connection that is still gone is ended.
    private func endDeleted(_ connection: EndingConnection) async throws(TableError) {
        guard try await services.repository.connection(connection.id) == nil else { return }
        try await services.broadcaster.carryOut([connection], .expired)
    }
}

extension EndingConnection {
    /// Nil for the image of another item type.
    init?(image: [String: StreamRecord.Value]) {
        func string(_ name: String) -> String? {
            if case .string(let text) = image[name] { text } else { nil }
        }
        func number(_ name: String) -> Int64? {
            if case .number(let number) = image[name] { number } else { nil }
        }
        guard string("PK")?.utf8.starts(with: "CONN#".utf8) == true,
            let id = string("connectionId").flatMap({ ConnectionID($0) }),
            let tenant = string("tenantId").flatMap({ TenantID($0) }), let user = string("userId").flatMap({ UserID($0) })
        else { return nil }
        var rooms: Set<String> = []
        if case .strings(let names) = image["rooms"] { rooms = Set(names) }
        self.init(
            id: id, user: User(tenant, user), rooms: rooms, wheelMinute: number("wheelMinute"),
            tokenExpiresAt: number("tokenExpiresAt").map(Timestamp.init(seconds:)))
    }
}
