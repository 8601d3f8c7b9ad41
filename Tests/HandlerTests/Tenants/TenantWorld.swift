import ChatHandlers
import ChatModel
import ChatStore
import ChatWire
import Foundation
import Logs
import MemoryTable
import SQLiteTable
import Simulation
import TestSupport
import Tokens

/// The service with clients of one or two tenants, all of whose frames and table accesses are known.
final class TenantWorld {
    enum Engine: String, CaseIterable, Sendable { case memory, memoryInPagesOfOne, sqlite }

    /// Something that happens, in the order in which it is repeated.
    enum Step {
        /// `$connect` of the tenant's so manyth connection.
        case connect(Int, String, token: String)
        /// A frame; what stands in it for the tenant's own epoch of a room is put in when it is sent.
        case frame(Int, String, String)
        case disconnect(Int, String)
        /// A backend of the tenant speaks.
        case publish(Int, String)
        case advance(Int64)

        /// Nil for what happens to all.
        var tenant: Int? {
            switch self {
            case .connect(let tenant, _, _), .frame(let tenant, _, _), .disconnect(let tenant, _), .publish(let tenant, _): tenant
            case .advance: nil
            }
        }
    }

    static let ownEpoch = "the epoch that was heard last"

    let clock = ManualClock()
    let poster = RecordingPoster()
    let table: WitnessedTable
    private let services: ChatServices
    private let router: HandlerRouter
    private let minter: TokenMinter
    private let folder: TemporaryFolder?
    private var epochs: [Int: String] = [:]
    /// What each tenant's clients were told, in order, without what is random.
    private(set) var told: [[String]] = [[], []]
    private var seen: [String: Int] = [:]
    private var opened: [[String]] = [[], []]
    /// Who is still there, as far as the tenant's clients know.
    private(set) var connections: [Int: [String]] = [0: [], 1: []]

    init(_ engine: Engine) throws {
        switch engine {
        case .memory: (table, folder) = (WitnessedTable(MemoryTable()), nil)
        case .memoryInPagesOfOne: (table, folder) = (WitnessedTable(MemoryTable(pageSize: 1)), nil)
        case .sqlite:
            let place = try TemporaryFolder()
            (table, folder) = (WitnessedTable(try SQLiteTable(path: place.file("chat.sqlite"), pageSize: 3)), place)
        }
        minter = try TokenMinter(secret: Service.secret)
        services = ChatServices(
            table: table, poster: poster, verifier: TokenVerifier(keys: KeySet([try TokenKey(secret: Service.secret)])),
            settings: Settings(), clock: clock, random: SeededRandom(7), log: .silent)
        router = HandlerRouter(services)
    }

    func token(_ user: String, _ tenant: String, roles: [String]) -> String {
        minter.mint(NewToken(user: user, tenant: tenant, roles: roles, expiresIn: 86_400), now: clock.now().milliseconds)
    }

    /// Does a step, and notes who was told what.
    /// - Returns: what was answered; nil if nobody was asked.
    @discardableResult
    func take(_ step: Step) async throws -> Frame? {
        let reply = try await act(step)
        if let reply, let tenant = step.tenant { told[tenant].append(Self.comparable(reply)) }
        for tenant in opened.indices {
            for id in opened[tenant] {
                let frames = poster.frames(id)
                // A sweep ends connections beside each other: in which order they hear of it is open.
                // So is in which order one step's news of several rooms come.
                if step.tenant != nil { told[tenant] += frames.dropFirst(seen[id] ?? 0).map { "to \(id): \(Self.comparable($0))" }.sorted() }
                seen[id] = frames.count
            }
        }
        return reply
    }

    private func act(_ step: Step) async throws -> Frame? {
        switch step {
        case .connect(let tenant, let id, let token):
            var event = GatewayEvent(GatewayEvent.Context(connectionID: id, routeKey: "$connect"))
            event.query = [("token", token)]
            let outcome = await router.handle(.connect, event)
            if outcome.response.statusCode == 200 {
                poster.connect(id)
                connections[tenant]?.append(id)
                opened[tenant].append(id)
            }
            await outcome.afterward?()
            return Frame(Array("connected with \(outcome.response.statusCode)".utf8))
        case .frame(let tenant, let id, let text):
            let frame = text.replacing(Self.ownEpoch, with: epochs[tenant] ?? "none")
            let envelope = FrameEnvelope(parsing: frame)
            let route = Route(action: envelope.action)
            let context = GatewayEvent.Context(connectionID: id, routeKey: route.rawValue)
            let outcome = await router.handle(route, GatewayEvent(context, body: frame))
            await outcome.afterward?()
            let reply = Frame(outcome.response.body ?? [])
            if let epoch = reply.string("epoch") { epochs[tenant] = epoch }
            if reply.code == "gone" { connections[tenant]?.removeAll { $0 == id } }
            return reply
        case .disconnect(let tenant, let id):
            poster.lose(id)
            let context = GatewayEvent.Context(connectionID: id, routeKey: "$disconnect")
            let outcome = await router.handle(.disconnect, GatewayEvent(context))
            await outcome.afterward?()
            connections[tenant]?.removeAll { $0 == id }
            return nil
        case .publish(_, let payload):
            let outcome = await Publish(services).handle(Array(payload.utf8))
            await outcome.afterward?()
            return Frame(outcome.response.body ?? [])
        case .advance(let seconds):
            clock.advance(milliseconds: seconds * 1000)
            _ = try await Cleanup(services).handle(Array("{}".utf8))
            return nil
        }
    }

    private static func comparable(_ frame: Frame) -> String {
        var data = Data(frame.bytes)
        for name in [#""messageId":""#, #""epoch":""#] {
            var start = data.startIndex
            while let found = data.range(of: Data(name.utf8), in: start..<data.endIndex),
                let end = data[found.upperBound...].firstIndex(of: UInt8(ascii: "\""))
            {
                data.removeSubrange(found.upperBound..<end)
                start = found.upperBound
            }
        }
        return String(decoding: data, as: UTF8.self)
    }
}
