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
    private let counters: [AWSService: AWSCounters] = Dictionary(
        uniqueKeysWithValues: AWSService.allCases.map { ($0, AWSCounters()) })
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

    /// What was called of a service so far.
    public func counts(of service: AWSService) -> AWSCounts { counters[service]?.counts ?? AWSCounts() }

    public func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse {
        try await send(all: [request])[0].get()
    }

    public func send(all requests: [AWSRequest]) async -> [Result<AWSResponse, AWSError>] {
        for request in requests { counters[request.service]?.calls.wrappingAdd(1, ordering: .relaxed) }
        let outcomes = await attempt(requests)
        var results: [Result<AWSResponse, AWSError>] = []
        results.reserveCapacity(requests.count)
        var open: [(place: Int, error: AWSError, again: Again)] = []
        for (place, outcome) in outcomes.enumerated() {
            switch outcome {
            case .answered(let response): results.append(.success(response))
            case .failed(let error, let again):
                results.append(.failure(error))
                if case .nothing = again { continue }
                open.append((place, error, again))
            }
        }
        guard !open.isEmpty else { return results }
        // Each pauses for itself: that is what spreads them.
        await withTaskGroup(of: (Int, Result<AWSResponse, AWSError>).self) { group in
            for (place, error, again) in open {
                group.addTask { (place, await self.sendAgain(requests[place], error, again)) }
            }
            for await (place, result) in group { results[place] = result }
        }
        return results
    }

    /// What comes after a first attempt that failed.
    private func sendAgain(_ request: AWSRequest, _ error: AWSError, _ again: Again) async -> Result<AWSResponse, AWSError> {
        var chances = Chances(attempts: request.attempts ?? configuration.retries.attempts)
        var last = (error: error, again: again)
        var uncertain: AWSError?
        do throws(AWSError) {
            while true {
                if last.error.leavesOpen { uncertain = last.error }
                try await prepare(&chances, request.service, last.again, last.error)
                switch await attempt([request])[0] {
                case .answered(let response): return .success(response)
                case .failed(let error, let again): last = (error, again)
                }
            }
        } catch {
            // "Too often" says that nothing was done, which does not hold of an attempt before.
            if case .refused(let refusal) = error, refusal.isThrottling, let uncertain { return .failure(uncertain) }
            return .failure(error)
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

    /// One attempt of each, side by side. They are alike: one time-out and the same credentials hold for all.
    private func attempt(_ requests: [AWSRequest]) async -> [Outcome] {
        let time: (timeout: Duration, credentials: AWSCredentials?)
        do throws(AWSError) {
            let needsCredentials = requests.contains(where: \.isSigned)
            if let left = timeLeft(), left <= .zero { throw .timedOut }
            let credentials = needsCredentials ? try await credentials.current(transport) : nil
            let own = requests.compactMap(\.timeout).min() ?? configuration.attemptTimeout
            let timeout = timeLeft().map { min(own, $0) } ?? own
            if timeout <= .zero { throw .timedOut }
            time = (timeout, credentials)
        } catch {
            return requests.map { _ in .failed(error, .nothing) }
        }
        let now = surroundings.wallClock() + skew.load(ordering: .relaxed)
        guard let outgoing = outgoing(requests, time.credentials, SigningTime(seconds: now)) else {
            return requests.map { _ in .failed(.unreachable("an endpoint is no URL"), .nothing) }
        }
        let answers = await transport.send(all: outgoing, timeout: time.timeout)
        return zip(requests, answers).map { request, answer in
            switch answer {
            case .success(let response) where (200...299).contains(response.status):
                .answered(AWSResponse(status: response.status, fields: response.fields, body: response.body))
            case .success(let response):
                judge(response, of: request.service, credentials: request.isSigned ? time.credentials : nil, signedAt: now)
            case .failure(let failure): Self.judge(failure)
            }
        }
    }

    /// Nil when one has an endpoint that is no URL.
    private func outgoing(
        _ requests: [AWSRequest], _ credentials: AWSCredentials?, _ time: SigningTime
    ) -> [OutgoingRequest]? {
        var outgoing: [OutgoingRequest] = []
        outgoing.reserveCapacity(requests.count)
        var prepared: PreparedRequests?
        for request in requests {
            if prepared?.fit(request) != true {
                guard let base = configuration.endpoints.base(of: request) else { return nil }
                prepared = PreparedRequests(
                    like: request, to: base, signers[request.service], request.isSigned ? credentials : nil, at: time)
            }
            if let prepared { outgoing.append(prepared.outgoing(request.path)) }
        }
        return outgoing
    }

    /// - Parameter credentials: nil of a request that was not signed.
    private func judge(
        _ response: HTTPResponse, of service: AWSService, credentials: AWSCredentials?, signedAt now: Int64
    ) -> Outcome {
        let refusal = AWSRefusal(response)
        if refusal.isThrottling { counters[service]?.throttles.wrappingAdd(1, ordering: .relaxed) }
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
    private func prepare(
        _ chances: inout Chances, _ service: AWSService, _ again: Again, _ error: AWSError
    ) async throws(AWSError) {
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
        counters[service]?.retries.wrappingAdd(1, ordering: .relaxed)
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
