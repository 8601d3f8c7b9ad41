import ChatHandlers
import ChatModel
import Logs
import Synchronization
import Testing
import Tokens

@testable import Simulation

/// The keys that are fetched: when, how often, and what holds meanwhile.
@Suite struct KeyRingTests {
    private let server = KeyServer()
    private let clock = ManualClock()
    private let lines = Lines()
    private let ring: KeyRing

    init() { ring = KeyRing(secrets: [], source: server, log: lines.log) }

    /// Whom a token is of, or why it is not taken.
    private func judge(_ token: String, by ring: KeyRing? = nil) async -> Result<String, TokenFailure> {
        do throws(TokenFailure) {
            return .success(try await (ring ?? self.ring).claims(of: token, at: clock.now()).subject)
        } catch {
            return .failure(error)
        }
    }

    private func judge(kid: String, signedBy signer: String? = nil) async throws -> Result<String, TokenFailure> {
        await judge(try KeyServer.token(kid, signedBy: signer))
    }

    private func advance(_ seconds: Int64, milliseconds: Int64 = 0) { clock.advance(milliseconds: seconds * 1000 + milliseconds) }

    @Test func `the first token brings the set, and the next find it`() async throws {
        server.publish("a", "b")
        #expect(server.fetches == 0)
        #expect(try await judge(kid: "a") == .success("a"))
        #expect(try await judge(kid: "b") == .success("b"))
        #expect(server.fetches == 1)
    }

    @Test func `a key nobody knows is looked for at once, and not again within a minute`() async throws {
        server.publish("a")
        #expect(try await judge(kid: "a") == .success("a"))
        server.publish("a", "b")
        #expect(try await judge(kid: "b") == .success("b"))
        #expect(server.fetches == 2)

        server.publish("a", "b", "c")
        for _ in 0..<50 { #expect(try await judge(kid: "c") == .failure(.refused(.unknownKey))) }
        advance(59, milliseconds: 999)
        #expect(try await judge(kid: "c") == .failure(.refused(.unknownKey)))
        #expect(server.fetches == 2)
        #expect(try await judge(kid: "a") == .success("a"))
        advance(0, milliseconds: 1)
        #expect(try await judge(kid: "c") == .success("c"))
        #expect(server.fetches == 3)
    }

    @Test func `a fetch that failed counts as well`() async throws {
        server.publish("a")
        #expect(try await judge(kid: "a") == .success("a"))
        server.fail()
        for _ in 0..<10 { #expect(try await judge(kid: "b") == .failure(.refused(.unknownKey))) }
        #expect(server.fetches == 2)
        server.publish("a", "b")
        advance(59)
        #expect(try await judge(kid: "b") == .failure(.refused(.unknownKey)))
        advance(1)
        #expect(try await judge(kid: "b") == .success("b"))
        #expect(server.fetches == 3)
    }

    @Test(arguments: [
        ("a.b.c", TokenError.badEncoding(.header)), ("", .notThreeParts), ("eyJhbGciOiJub25lIn0..", .algorithmNotAllowed),
    ])
    func `a token that no key could save asks for none`(_ token: String, _ error: TokenError) async throws {
        server.publish("a")
        #expect(try await judge(kid: "a") == .success("a"))
        #expect(await judge(token) == .failure(.refused(error)))
        #expect(try await judge(kid: "a", signedBy: "b") == .failure(.refused(.badSignature)))
        let expired = try KeyServer.token("a", expires: clock.now())
        #expect(await judge(expired) == .failure(.refused(.expired)))
        #expect(server.fetches == 1)
    }

    @Test func `a set of ten minutes is replaced by whoever comes, and removed keys go with it`() async throws {
        server.publish("a", "b")
        #expect(try await judge(kid: "a") == .success("a"))
        server.publish("b")
        advance(599, milliseconds: 999)
        #expect(try await judge(kid: "a") == .success("a"))
        #expect(server.fetches == 1)
        advance(0, milliseconds: 1)
        #expect(try await judge(kid: "a") == .failure(.refused(.unknownKey)))
        #expect(try await judge(kid: "b") == .success("b"))
        #expect(server.fetches == 2)
    }

    @Test func `the last good set stays while there is none to be had, and is asked for once a minute`() async throws {
        server.publish("a")
        #expect(try await judge(kid: "a") == .success("a"))
        advance(600)
        for document in [Array("no set".utf8), Array(#"{"keys":{}}"#.utf8), [UInt8](repeating: 0x20, count: JWKSet.maxBytes + 1)] {
            let before = server.fetches
            server.publish(document)
            for _ in 0..<10 { #expect(try await judge(kid: "a") == .success("a")) }
            #expect(server.fetches == before + 1)
            advance(60)
        }
        server.fail()
        for _ in 0..<100 {
            #expect(try await judge(kid: "a") == .success("a"))
            advance(30)
        }
        #expect(server.fetches == 4 + 50)
        server.publish("b")
        advance(60)
        #expect(try await judge(kid: "b") == .success("b"))
        #expect(try await judge(kid: "a") == .failure(.refused(.unknownKey)))
    }

    @Test func `without any set a token is neither good nor bad, and the set is tried for every five seconds`() async throws {
        for failure in [KeySetFailure.unreadable("status 503"), .malformed(.notAKeySet)] {
            if failure == .malformed(.notAKeySet) { server.publish(Array("[]".utf8)) } else { server.fail(failure) }
            let before = server.fetches
            for _ in 0..<10 { #expect(try await judge(kid: "a") == .failure(.noKeys(failure))) }
            #expect(server.fetches == before + 1)
            advance(4, milliseconds: 999)
            #expect(try await judge(kid: "a") == .failure(.noKeys(failure)))
            #expect(server.fetches == before + 1)
            advance(0, milliseconds: 1)
        }
        #expect(lines.text.split(separator: "\n").count { $0.contains("key set not fetched") } == 1)
        // Whatever there were: these are no tokens.
        #expect(await judge("a.b.c") == .failure(.refused(.badEncoding(.header))))
        server.publish("a")
        #expect(try await judge(kid: "a") == .success("a"))
        // The failures before it keep no new key back.
        server.publish("a", "b")
        #expect(try await judge(kid: "b") == .success("b"))
    }

    @Test func `the secret counts beside the set, and without it`() async throws {
        let both = KeyRing(secrets: [try TokenKey(secret: KeyServer.secret("own"))], source: server, log: .silent)
        let (own, other) = (try KeyServer.token(nil, signedBy: "own"), try KeyServer.token("a"))
        server.fail()
        #expect(await judge(own, by: both) == .success("own"))
        #expect(server.fetches == 0)
        #expect(await judge(other, by: both) == .failure(.noKeys(.unreadable("status 503"))))
        // One without a name may be of the set just as well.
        #expect(await judge(try KeyServer.token(nil, signedBy: "a"), by: both) == .failure(.noKeys(.unreadable("status 503"))))
        server.publish("a")
        advance(5)
        #expect(await judge(other, by: both) == .success("a"))
        #expect(await judge(own, by: both) == .success("own"))
        #expect(await judge(try KeyServer.token("a", signedBy: "own"), by: both) == .success("own"))
    }

    @Test func `a set that others can read gives no secrets`() async throws {
        let published = KeyServer(mayHoldSecrets: false)
        published.publish("a")
        let ring = KeyRing(secrets: [], source: published, log: lines.log)
        #expect(await judge(try KeyServer.token("a"), by: ring) == .failure(.refused(.unknownKey)))
        #expect(lines.text.contains("key ignored") && lines.text.contains("key set without a key that can be used"))
        #expect(lines.text.contains("kid=a"))
        #expect(!lines.text.contains(KeyServer.set(["a"]).split(separator: "\"k\":\"")[1].prefix(20)))
    }

    @Test func `a clock that was set back holds nothing up`() async throws {
        server.publish("a")
        #expect(try await judge(kid: "a") == .success("a"))
        #expect(try await judge(kid: "b") == .failure(.refused(.unknownKey)))
        clock.advance(milliseconds: -3_600_000)
        server.publish("b")
        #expect(try await judge(kid: "b") == .success("b"))
        #expect(try await judge(kid: "a") == .failure(.refused(.unknownKey)))
    }

    @Test func `who starts is told of a failure, and the first token tries again`() async throws {
        await #expect(throws: KeySetFailure.unreadable("not there yet")) { try await ring.load(at: clock.now()) }
        #expect(lines.text.isEmpty)
        server.publish("a")
        #expect(try await judge(kid: "a") == .success("a"))
        try await ring.load(at: clock.now())
        #expect(server.fetches == 2)
    }

    @Test func `the log says why there is no newer set, once a minute, and where it is from`() async throws {
        server.publish("a")
        #expect(try await judge(kid: "a") == .success("a"))
        server.fail(.unreadable("status 418"))
        advance(600)
        for _ in 0..<4 {
            for _ in 0..<5 { #expect(try await judge(kid: "a") == .success("a")) }
            advance(30)
        }
        let warnings = lines.text.split(separator: "\n").filter { $0.contains("key set not fetched") }
        #expect(warnings.count == 2)
        #expect(warnings.allSatisfy { $0.contains("status 418") && $0.contains("https://issuer.example/keys") })
    }

    // One fetch at a time, on an executor on which whoever can go on has gone on

    private final class Verdicts: Sendable {
        private let verdicts = Mutex<[Result<String, TokenFailure>]>([])
        var all: [Result<String, TokenFailure>] { verdicts.withLock { $0 } }
        func add(_ verdict: Result<String, TokenFailure>) { verdicts.withLock { $0.append(verdict) } }
    }

    private func spawn(_ count: Int, _ token: String, on executor: SeededExecutor) -> Verdicts {
        let verdicts = Verdicts()
        for _ in 0..<count { executor.spawn { [self] in verdicts.add(await judge(token)) } }
        return verdicts
    }

    @Test(arguments: 1...20) func `all who come at once wait for one fetch`(seed: UInt64) throws {
        let executor = SeededExecutor(Chance(seed))
        server.hold()
        server.publish("a")
        let first = spawn(20, try KeyServer.token("a"), on: executor)
        _ = executor.run()
        #expect(server.fetches == 1 && first.all.isEmpty)
        server.release()
        _ = executor.run()
        #expect(first.all == Array(repeating: .success("a"), count: 20))

        server.hold()
        server.publish("a", "b")
        let (known, new) = (spawn(20, try KeyServer.token("a"), on: executor), spawn(20, try KeyServer.token("b"), on: executor))
        let unknown = spawn(20, try KeyServer.token("c"), on: executor)
        _ = executor.run()
        // Who needs no other key does not wait.
        #expect(server.fetches == 2 && known.all == Array(repeating: .success("a"), count: 20))
        #expect(new.all.isEmpty && unknown.all.isEmpty)
        server.release()
        _ = executor.run()
        #expect(new.all == Array(repeating: .success("b"), count: 20))
        #expect(unknown.all == Array(repeating: .failure(.refused(.unknownKey)), count: 20))
        #expect(server.fetches == 2)
    }

    @Test(arguments: 1...20) func `while an old set is replaced others use it`(seed: UInt64) throws {
        let executor = SeededExecutor(Chance(seed))
        server.publish("a")
        let before = spawn(1, try KeyServer.token("a"), on: executor)
        _ = executor.run()
        #expect(before.all == [.success("a")])
        advance(600)
        server.hold()
        server.publish("b")
        let during = spawn(20, try KeyServer.token("a"), on: executor)
        _ = executor.run()
        #expect(server.fetches == 2 && during.all == Array(repeating: .success("a"), count: 19))
        server.release()
        _ = executor.run()
        #expect(during.all.count == 20 && during.all.last == .failure(.refused(.unknownKey)))
    }

    @Test(arguments: 1...20) func `when who fetches is cancelled another does`(seed: UInt64) throws {
        let executor = SeededExecutor(Chance(seed))
        server.hold()
        server.fail(.cancelled)
        let verdicts = spawn(10, try KeyServer.token("a"), on: executor)
        _ = executor.run()
        #expect(server.fetches == 1)
        // The first is told that it was cancelled, and the next finds the set.
        server.releaseOne()
        _ = executor.run()
        #expect(verdicts.all == [.failure(.noKeys(.cancelled))] && server.fetches == 2)
        server.publish("a")
        server.release()
        _ = executor.run()
        #expect(verdicts.all.dropFirst() == ArraySlice(repeating: .success("a"), count: 9))
        #expect(server.fetches == 2)
    }
}
