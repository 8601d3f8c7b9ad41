import CodecChecks
import Foundation
import Testing

/// The fuzzers' corpora through the same checks: what was found once stays found (`make fuzz` looks for more).
@Suite struct CorpusTests {
    struct Corpus: Sendable, CustomTestStringConvertible {
        let name: String
        /// The byte of an input that chooses where it is cut.
        let seed: Int
        let check: @Sendable ([UInt8]) throws -> Void
        var testDescription: String { name }

        func inputs() throws -> [(name: String, bytes: [UInt8])] {
            let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let folder = tests.appending(path: "fuzz/corpus/\(name)")
            return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
                ($0, Array(try Data(contentsOf: folder.appending(path: $0))))
            }
        }
    }

    static let frames = Corpus(name: "frames", seed: 1) { try FrameCheck.run($0) }
    static let handshake = Corpus(name: "handshake", seed: 0) { try HandshakeCheck.run($0) }

    @Test(arguments: [frames, handshake]) func `nothing in a corpus contradicts itself, wherever it is cut`(
        _ corpus: Corpus
    ) throws {
        let inputs = try corpus.inputs()
        #expect(inputs.count >= 30)
        for (name, bytes) in inputs {
            #expect(throws: Never.self, "\(name)") { try corpus.check(bytes) }
            for seed in stride(from: UInt8(0), through: 250, by: 25) where bytes.count > corpus.seed {
                var bytes = bytes
                bytes[corpus.seed] = seed
                #expect(throws: Never.self, "\(name), seed \(seed)") { try corpus.check(bytes) }
            }
        }
    }

    @Test func `no single cut of what comes for a handshake is seen`() throws {
        for (name, bytes) in try Self.handshake.inputs() {
            let stream = Array(bytes.dropFirst())
            let whole = Opening(stream)
            for cut in stream.indices { #expect(Opening(stream, cuts: [cut]) == whole, "\(name), cut at \(cut)") }
        }
    }
}
