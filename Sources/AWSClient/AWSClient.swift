import HTTPCodec
import Logs
import Synchronization

/// Calls AWS: signed, over connections that are kept, and again while that is worth it.
///
/// Any number of tasks may send at once. A request's time is bounded by ``AWSDeadline/current``: when nothing is left of it
/// ``AWSError/timedOut`` is thrown at once, and no pause or further attempt is begun that could not end before. A cancelled
/// task gets ``AWSError/unreachable(_:)``.
public final class AWSClient: AWSCaller {
    private let configuration: AWSConfiguration
    private let log: Log
    private let transport: any HTTPTransport
    private let surroundings: Surroundings
    private let credentials: CredentialCache
    private let signers: Signers
    private let counters = AWSCounters()
    /// Seconds that the service's clock is ahead of ours.
    private let skew = Atomic<Int64>(0)

    /// Opens nothing: libcurl and its thread start with the first request, or with ``warmUp()``.
    public convenience init(_ configuration: AWSConfiguration, log: Log) {
        var options = CurlTransport.Options()
        options.authorities = configuration.authorities
        options.connectTimeout = configuration.connectTimeout
        options.maxConnections = configuration.maxConnections
        self.init(configuration, log: log, transport: CurlTransport(options), surroundings: .system)
    }

    init(_ configuration: AWSConfiguration, log: Log, transport: any HTTPTransport, surroundings: Surroundings) {
        self.configuration = configuration
        self.log = log
        self.transport = transport
        self.surroundings = surroundings
        credentials = CredentialCache(configuration.credentials, surroundings)
        signers = Signers(region: configuration.region)
    }

    /// Begins to load libcurl beside whatever else there is to do, and returns at once. Where it cannot be loaded, the first
    /// request says so.
    public static func warmUp() { CurlDriver.loadBeside() }

    /// What was called so far.
    public var counts: AWSCounts { counters.counts }

    public func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse {
        counters.calls.wrappingAdd(1, ordering: .relaxed)
        guard let destination = configuration.endpoints.destination(of: request) else {
            throw .unreachable("the endpoint is no URL")
        }
        var chances = Chances(attempts: request.attempts ?? configuration.retries.attempts)
        while true {
            switch try await attempt(request, destination) {
            case .answered(let response): return response
            case .failed(let error, let again): try await prepare(&chances, again, error)
            }
        }
    }

    private enum Outcome {
        case answered(AWSResponse)
        case failed(AWSError, Again)
    }

    /// What would make another attempt worth it.
    private enum Again {
        case nothing
        case aPause(asked: Duration?)
        /// With credentials that replace these.
        case credentials(AWSCredentials)
        /// With the clock set forward by so many seconds.
        case clock(Int64)
    }

    /// What a request has left.
    private struct Chances {
        let attempts: Int
        var made = 1
        var hasRenewed = false
        var hasCorrected = false

        init(attempts: Int) { self.attempts = attempts }
    }

    private func attempt(_ request: AWSRequest, _ destination: Destination) async throws(AWSError) -> Outcome {
        if let left = timeLeft(), left <= .zero { throw .timedOut }
        let credentials = request.isSigned ? try await credentials.current(transport) : nil
        let now = surroundings.wallClock() + skew.load(ordering: .relaxed)
        var fields = request.fields
        fields.add("Host", destination.host)
        if let credentials {
            let signature = signers[request.service].sign(
                method: request.method, target: destination.target, fields: fields, body: request.body,
                credentials: credentials, at: SigningTime(seconds: now))
            for field in signature.fields { fields.add(field.name, field.value) }
        }
        let outgoing = OutgoingRequest(method: request.method, url: destination.url, fields: fields, body: request.body)
        let own = request.timeout ?? configuration.attemptTimeout
        let timeout = timeLeft().map { min(own, $0) } ?? own
        if timeout <= .zero { throw .timedOut }
        do throws(TransportFailure) {
            let response = try await transport.send(outgoing, timeout: timeout)
            if (200...299).contains(response.status) {
                return .answered(AWSResponse(status: response.status, fields: response.fields, body: response.body))
            }
            return judge(response, credentials: credentials, signedAt: now)
        } catch {
            return Self.judge(error)
        }
    }

    /// - Parameter credentials: nil of a request that was not signed.
    private func judge(_ response: HTTPResponse, credentials: AWSCredentials?, signedAt now: Int64) -> Outcome {
        let refusal = AWSRefusal(response)
        if refusal.isThrottling { counters.throttles.wrappingAdd(1, ordering: .relaxed) }
        if let credentials, refusal.isAboutCredentials { return .failed(.refused(refusal), .credentials(credentials)) }
        if credentials != nil, let offset = ClockSkew.correction(for: refusal, fields: response.fields, now: now) {
            return .failed(.refused(refusal), .clock(offset))
        }
        guard refusal.isTransient else { return .failed(.refused(refusal), .nothing) }
        let asked = response.fields.first("Retry-After").flatMap { UInt16($0) }.map { Duration.seconds(Int($0)) }
        return .failed(.refused(refusal), .aPause(asked: asked))
    }

    private static func judge(_ failure: TransportFailure) -> Outcome {
        switch failure {
        case .unavailable(let reason): .failed(.unreachable(reason), .nothing)
        case .lost(let reason): .failed(.unreachable(reason), .aPause(asked: nil))
        case .timedOut: .failed(.timedOut, .aPause(asked: nil))
        case .tooLarge: .failed(.unreachable("the answer is too large"), .nothing)
        case .cancelled: .failed(.unreachable("cancelled"), .nothing)
        }
    }

    /// Returns when the next attempt may begin, and throws `error` when there is none.
    private func prepare(_ chances: inout Chances, _ again: Again, _ error: AWSError) async throws(AWSError) {
        switch again {
        case .nothing: throw error
        case .credentials(let refused):
            guard !chances.hasRenewed, credentials.refuse(refused), try await credentials.current(transport) != refused else { throw error }
            chances.hasRenewed = true
        case .clock(let offset):
            guard !chances.hasCorrected else { throw error }
            chances.hasCorrected = true
            correctClock(by: offset)
        case .aPause(let asked):
            guard chances.made < chances.attempts else { throw error }
            let pause = configuration.retries.pause(after: chances.made, random: surroundings.random(), retryAfter: asked)
            if let left = timeLeft(), left <= pause { throw error }
            chances.made += 1
            await surroundings.sleep(pause)
            if Task.isCancelled { throw error }
        }
        counters.retries.wrappingAdd(1, ordering: .relaxed)
    }

    /// Until the deadline, without what is kept for the answer; nil without a deadline.
    private func timeLeft() -> Duration? {
        AWSDeadline.current.map { surroundings.now().duration(to: $0) - AWSDeadline.reserve }
    }

    private func correctClock(by offset: Int64) {
        let (old, new) = skew.wrappingAdd(offset, ordering: .relaxed)
        if old == 0 { log.warning("clock differs from AWS's", ["seconds": new]) }
    }
}

/// A signer for each service, as signing keys are.
private struct Signers: Sendable {
    private let dynamoDB: RequestSigner
    private let sqs: RequestSigner
    private let management: RequestSigner

    init(region: String) {
        dynamoDB = RequestSigner(region: region, service: AWSService.dynamoDB.rawValue)
        sqs = RequestSigner(region: region, service: AWSService.sqs.rawValue)
        management = RequestSigner(region: region, service: AWSService.management.rawValue)
    }

    subscript(_ service: AWSService) -> RequestSigner {
        switch service {
        case .dynamoDB: dynamoDB
        case .sqs: sqs
        case .management: management
        }
    }
}
