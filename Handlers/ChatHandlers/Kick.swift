import ChatBroadcast
import ChatModel
import ChatStore
import ChatWire
import Logs

/// What a kick has done.
public struct KickReport: Equatable, Sendable {
    public let user: User
    /// How many connections it ended; of those that something else had begun to end, how many it closed.
    public fileprivate(set) var connections = 0
    /// Tokens issued until then are refused: the end of a second, as tokens count in seconds.
    public let refusedUntil: Timestamp
    /// Ended here, without a socket that could be closed: a `$connect` may still be running for some.
    fileprivate var unclosed: [ConnectionID] = []

    fileprivate init(_ user: User, _ refusal: TokenRefusal) {
        self.user = user
        refusedUntil = Timestamp(milliseconds: refusal.until * 1000 + 999)
    }

    /// As `muster kick --json` and the management listener tell it.
    public func encoded() -> [UInt8] {
        ServerFrame.kickReport(user.tenantID, user.id, connections: connections, refusedUntil: refusedUntil)
    }
}

/// What a kick could not do; done again it does the rest.
public enum KickError: Error, Equatable, Sendable {
    case engine(TableError)
    /// A socket could not be closed. Nothing is served on it any more, nor posted to it.
    case mayBeOpen
}

/// What an operator removes a user with: tokens issued until now let nobody in any more, and every connection ends.
///
/// The refusal is written first. A connect is then either among the connections that the write found, or refused; a frame of
/// theirs that is under way is answered `gone`; and once ``settle(_:)`` has returned, a token issued from then on is accepted.
public struct Kick: Sendable {
    /// Connections ended together.
    static let atOnce = 32

    private let services: ChatServices
    private let sleep: @Sendable (Duration) async -> Void

    public init(
        _ services: ChatServices,
        sleep: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
    ) {
        self.services = services
        self.sleep = sleep
    }

    /// Refuses and ends. Done again it does the rest, and takes up what another has begun.
    /// - Throws: the first failure, when everything was tried.
    public func run(_ user: User) async throws(KickError) -> KickReport {
        let now = services.clock.now()
        let refusal: TokenRefusal
        do throws(TableError) {
            refusal = try await services.repository.refuse(user, tokensIssuedBy: now.seconds)
        } catch {
            throw .engine(error)
        }
        var report = KickReport(user, refusal)
        var failure: KickError?
        var ending: [EndingConnection] = []
        var kept: Set<ConnectionID> = []
        for cut in await refusal.connections.concurrently(atOnce: Kick.atOnce, { await cut($0, user) }) {
            failure = failure ?? cut.failure
            if let connection = cut.connection { ending.append(connection) }
            switch cut.closing {
            case .closed: report.connections += 1
            case .absent where cut.isOurs:
                report.connections += 1
                report.unclosed.append(cut.id)
            case .absent: break
            // It stays to be found by the next try.
            case .failed: kept.insert(cut.id)
            }
        }
        if failure == nil, !kept.isEmpty { failure = .mayBeOpen }
        do throws(TableError) {
            try await services.broadcaster.carryOut(ending.sorted { $0.id < $1.id }, .disconnected, keeping: kept)
        } catch {
            failure = failure ?? .engine(error)
        }
        services.log.info(
            "user removed",
            ["tenant": user.tenantID.text, "user": user.id.text, "connections": report.connections])
        if let failure { throw failure }
        return report
    }

    /// Returns once the last second whose tokens are refused is over, and closes what was still in its `$connect` before.
    public func settle(_ report: KickReport) async throws(KickError) {
        // Another's clock may be ahead, or ours be set back meanwhile: that is not waited for.
        for _ in 0..<3 {
            let left = report.refusedUntil - services.clock.now() + 1
            guard left > 0 else { break }
            await sleep(.milliseconds(min(left, 1000)))
        }
        guard !report.unclosed.isEmpty else { return }
        await sleep(Kick.connectTime)
        let closings = await report.unclosed.concurrently(atOnce: Kick.atOnce) { await services.poster.close($0, .removed) }
        if closings.contains(.failed) { throw .mayBeOpen }
    }

    /// From the commit of a `$connect` until the gateway has let its connection in: the function has only to answer.
    private static let connectTime = Duration.milliseconds(500)

    private struct Cut: Sendable {
        let id: ConnectionID
        /// Nil if it could not be marked.
        var connection: EndingConnection?
        /// Whether the mark is ours.
        var isOurs = false
        var closing = SocketClosing.absent
        var failure: KickError?
    }

    /// Makes every later frame on a connection `gone` and closes its socket; its rooms it leaves afterwards.
    private func cut(_ id: ConnectionID, _ user: User) async -> Cut {
        var cut = Cut(id: id)
        do throws(TableError) {
            switch try await services.repository.claimEnd(id, .disconnected, .always) {
            case .claimed(let connection): (cut.connection, cut.isOurs) = (connection, true)
            case .alreadyEnding(let connection): cut.connection = connection
            case .absent: cut.connection = try await services.repository.remains(of: id, user)
            case .spared: break
            }
        } catch {
            cut.failure = .engine(error)
        }
        cut.closing = await services.poster.close(id, .removed)
        return cut
    }
}
