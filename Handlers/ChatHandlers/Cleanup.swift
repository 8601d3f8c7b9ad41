import ChatBroadcast
import ChatModel
import ChatStore
import ChatWire
import Logs
import Tokens

/// `Cleanup`: ends what should have ended, invoked with stream records of the table's TTL or, with anything else, to sweep.
public struct Cleanup: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    /// - Returns: for records, the failures to deliver again; for a sweep, what was done.
    /// - Throws: when a sweep could not look at everything: invoking it again goes on where it stopped; and for a batch with a
    ///   failure that has no name to report it by.
    public func handle(_ payload: [UInt8]) async throws -> [UInt8] {
        switch try CleanupEvent(decoding: payload) {
        case .records(let records): return batchFailures(try await end(records))
        case .sweep: return try await Sweep(services).run().encoded()
        }
    }

    /// Ends the connections that the table's TTL deleted before anything else did.
    ///
    /// What cannot be understood is reported as failed too, though it will fail again: after the last attempt the stream's
    /// failure destination has it, and somebody can look.
    /// - Returns: the sequence numbers of the records that failed.
    private func end(_ records: [StreamRecord]) async throws(EventError) -> [String] {
        var failed: [String] = []
        var isNameless = false
        for record in records {
            if let failure = await failure(of: record) {
                services.log.error(
                    failure.event,
                    ["reason": failure.reason, "partition": record.partition, "sequenceNumber": record.sequenceNumber])
                if let number = record.sequenceNumber { failed.append(number) } else { isNameless = true }
            }
        }
        if isNameless { throw EventError("a record that failed has no sequence number") }
        return failed
    }

    private func failure(of record: StreamRecord) async -> (event: String, reason: String)? {
        guard record.change != nil else { return ("record unknown", "eventName is none of a table's stream") }
        guard record.isExpiry else { return nil }
        guard let partition = record.partition, let sort = record.sort else { return ("record malformed", "it has no key") }
        guard partition.utf8.starts(with: "CONN#".utf8), bytesEqual(sort, Keys.meta) else { return nil }
        guard let connection = EndingConnection(image: record.oldImage) else {
            let isBare = record.oldImage.isEmpty
            return ("record malformed", isBare ? "it has no old image" : "the old image is no connection's")
        }
        do throws(TableError) {
            try await endDeleted(connection)
            return nil
        } catch {
            return ("record failed", "\(error)")
        }
    }

    /// A record may be days late or repeated: only a connection that is still gone is ended.
    private func endDeleted(_ connection: EndingConnection) async throws(TableError) {
        guard try await services.repository.connection(connection.id) == nil else { return }
        try await services.broadcaster.carryOut([connection], .expired)
    }
}

extension EndingConnection {
    /// Nil for an image without what every connection has.
    init?(image: [String: StreamRecord.Value]) {
        func string(_ name: String) -> String? {
            if case .string(let text) = image[name] { text } else { nil }
        }
        func number(_ name: String) -> Int64? {
            if case .number(let number) = image[name] { number } else { nil }
        }
        guard let id = string("connectionId").flatMap({ ConnectionID($0) }),
            let tenant = string("tenantId").flatMap({ TenantID($0) }), let user = string("userId").flatMap({ UserID($0) })
        else { return nil }
        var rooms: Set<String> = []
        if case .strings(let names) = image["rooms"] { rooms = Set(names) }
        self.init(
            id: id, user: User(tenant, user), rooms: rooms, wheelMinutes: Set(number("wheelMinute").map { [$0] } ?? []),
            tokenExpiresAt: number("tokenExpiresAt").flatMap { (0...TokenRules.latestDate).contains($0) ? Timestamp(seconds: $0) : nil })
    }
}
