import ChatModel
import ChatStore
import ChatWire

/// `Publish`: a backend speaks, by direct invocation or `POST /tenants/{tenant}/messages`.
public struct Publish: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    /// - Parameter tenant: the tenant named outside the event, if it was.
    /// - Returns: the acknowledgement, or the error frame with its status.
    public func handle(_ payload: [UInt8], tenant: TenantID? = nil) async -> HandlerOutcome {
        let failure: ChatError
        do throws(RouteFailure) {
            let request = try parse(payload, tenant)
            let speech = Speech(services: services, speaker: User(request.tenantID, request.senderID), connection: nil)
            let said = try await speech.say(
                request.body, to: request.addressee, request.clientMessageID, knowing: nil, at: services.clock.now())
            return HandlerOutcome(ProxyResponse(body: said.acknowledgement.encoded()), afterward: said.afterward)
        } catch {
            switch error {
            case .client(let error): failure = error
            case .engine, .keySet:
                services.log.error("publish failed", ["error": error.reason])
                failure = .internalError
            }
        }
        return HandlerOutcome(ProxyResponse(statusCode: failure.code.status, body: ServerFrame.error(failure)))
    }

    private func parse(_ payload: [UInt8], _ tenant: TenantID?) throws(RouteFailure) -> PublishRequest {
        do throws(ChatError) {
            return try PublishRequest(decoding: payload, tenant: tenant)
        } catch {
            throw .client(error)
        }
    }
}
