import Foundation
import Testing

@testable import Tokens

/// What verifying a token costs. Run with
/// `MUSTER_BENCHMARK=1 swift test -c release -Xswiftc -enable-testing --filter TokenBenchmark`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["MUSTER_BENCHMARK"] != nil))
struct TokenBenchmark {
    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The least of several rounds, in microseconds: what others do on the machine only ever adds.
    private static func cost(count: Int, _ body: () throws -> Void) rethrows -> Double {
        var least = Double.infinity
        for _ in 0..<50 {
            let began = processorSeconds
            for _ in 0..<count { try body() }
            least = min(least, (processorSeconds - began) / Double(count) * 1e6)
        }
        return least
    }

    @Test func `a secret's token`() throws {
        let verifier = try Signing.verifier()
        let payload = Signing.payload(#""iat":\#(Signing.now - 5),"rooms":["a","team-*"],"roles":["admin"]"#)
        for algorithm in Algorithm.ofSecrets.sorted(by: { $0.rawValue < $1.rawValue }) {
            let token = try Signing.token(header: #"{"alg":"\#(algorithm.rawValue)"}"#, payload: payload, algorithm: algorithm)
            let cost = try Self.cost(count: 400) { _ = try verifier.verify(token, now: Signing.milliseconds) }
            print("\(algorithm.rawValue): \(cost) µs CPU")
        }
    }

    @Test(arguments: Samples.algorithms)
    func `a public key's token`(algorithm: Algorithm) throws {
        let verifier = try Samples.verifier(Samples.set)
        let token = Samples.token(algorithm)
        let cost = try Self.cost(count: 50) { _ = try verifier.verify(token, now: Signing.milliseconds) }
        print("\(algorithm.rawValue): \(cost) µs CPU")
    }

    @Test func `the largest set`() throws {
        let document = Array(Samples.document(Array(repeating: Samples.rsa, count: JWKSet.maxKeys)).utf8)
        print("100 RSA keys: \(try Self.cost(count: 1) { _ = try JWKSet(parsing: document) } / 1000) ms CPU")
        let points = Array(Samples.document(Array(repeating: Samples.p384, count: JWKSet.maxKeys)).utf8)
        print("100 keys of P-384: \(try Self.cost(count: 1) { _ = try JWKSet(parsing: points) } / 1000) ms CPU")
    }
}
