import Foundation
import InputChecks
import Testing

/// The fuzzers' corpora through the same checks: what was found once stays found (`make fuzz` looks for more).
///
/// Frames and the handshake, whose inputs may be cut anywhere, are tried in `WebSocketCodecTests`.
@Suite struct CorpusTests {
    struct Corpus: Sendable, CustomTestStringConvertible {
        let name: String
        let check: @Sendable ([UInt8]) throws -> Void
        var testDescription: String { name }

        func inputs() throws -> [(name: String, bytes: [UInt8])] {
            let folder = Self.fuzz.appending(path: "corpus/\(name)")
            return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
                ($0, Array(try Data(contentsOf: folder.appending(path: $0))))
            }
        }

        static let fuzz = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "fuzz")
    }

    static let client = Corpus(name: "client") { try ClientCheck.run($0) }
    static let events = Corpus(name: "events") { try EventCheck.run($0) }
    static let tokens = Corpus(name: "tokens") { try TokenCheck.run($0) }
    static let jwks = Corpus(name: "jwks") { try KeySetCheck.run($0) }
    static let keys = Corpus(name: "keys") { try KeyCheck.run($0) }
    static let all = [client, events, tokens, jwks, keys]

    @Test(arguments: all) func `nothing in a corpus breaks what holds for all`(_ corpus: Corpus) throws {
        let inputs = try corpus.inputs()
        #expect(inputs.count >= 20)
        for (name, bytes) in inputs { #expect(throws: Never.self, "\(name)") { try corpus.check(bytes) } }
    }

    /// A parser fails at ends that it did not expect.
    @Test(arguments: all) func `nor does any beginning of an input, or one with a bit the other way`(_ corpus: Corpus) throws {
        for (name, bytes) in try corpus.inputs() where bytes.count <= 400 {
            for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 40)) {
                #expect(throws: Never.self, "\(name), \(count) bytes") { try corpus.check(Array(bytes.prefix(count))) }
                var changed = bytes
                changed[count] ^= 1 << (count % 8)
                #expect(throws: Never.self, "\(name), byte \(count) changed") { try corpus.check(changed) }
            }
        }
    }

    @Test func `every target has a corpus that is replayed, and the script names it`() throws {
        let names = { (folder: String) in
            Set(
                try FileManager.default.contentsOfDirectory(atPath: Corpus.fuzz.appending(path: folder).path)
                    .map { $0.replacing(".swift", with: "") })
        }
        let targets = try names("Targets")
        #expect(try names("corpus") == targets)
        #expect(targets == Set(Self.all.map(\.name) + ["frames", "handshake"]))
        let script = try String(contentsOf: Corpus.fuzz.appending(path: "fuzz.sh"), encoding: .utf8)
        #expect(script.contains("set -- frames handshake client events tokens jwks keys\n"))
    }
}
