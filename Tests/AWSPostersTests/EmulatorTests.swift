import AWSClient
import AWSPosters
import ChatBroadcast
import ChatModel
import ChatWire
import Foundation
import JSONCoding
import Logs
import Testing

/// The emulator of AWS that `make test` starts beside the tests; with plain `swift test` there is none.
private let emulator = ProcessInfo.processInfo.environment["MUSTER_DYNAMODB_ENDPOINT"]

/// The queue as AWS's API has it, over the network.
@Suite(.enabled(if: emulator != nil), .timeLimit(.minutes(5))) struct EmulatorTests {
    private let client: AWSClient

    init() throws {
        let environment = [
            "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": emulator ?? "", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        ]
        client = AWSClient(try AWSConfiguration { environment[$0] }, log: .silent)
    }

    private func call(_ operation: String, _ body: String) async throws -> JSONObject {
        let answer = try await client.send(AWSRequest.call(.sqs, target: "AmazonSQS.\(operation)", Array(body.utf8)))
        return (try? JSONParser.parse(answer.body))?.object ?? JSONObject([])
    }

    /// A queue that takes no more than SQS once did.
    private func makeQueue() async throws -> String {
        let name = "fanout-\(UInt64.random(in: 0...UInt64.max))"
        let answer = try await call("CreateQueue", #"{"QueueName":"\#(name)","Attributes":{"MaximumMessageSize":"262144"}}"#)
        return try #require(answer["QueueUrl"]?.string)
    }

    private func drain(_ url: String) async throws -> [String] {
        var bodies: [String] = []
        while true {
            let answer = try await call("ReceiveMessage", #"{"QueueUrl":"\#(url)","MaxNumberOfMessages":10,"VisibilityTimeout":600}"#)
            let messages = answer["Messages"]?.array ?? []
            if messages.isEmpty { return bodies }
            bodies += messages.compactMap { $0.object?["Body"]?.string }
        }
    }

    private func poster(_ url: String, _ direct: any Poster) -> FanoutPoster {
        FanoutPoster(direct: direct, queue: FanoutQueue(caller: client, url: url, log: .silent), log: .silent)
    }

    /// U+FFFF and U+0001 are no characters of XML, which SQS insists on.
    @Test(arguments: ["hi 👋", "\u{FFFF}\u{FFFE}\u{1}", String(repeating: "\u{1}\"\\", count: 40_000)])
    func `a large fan-out lies in the queue, whole and once`(body: String) async throws {
        let url = try await makeQueue(), frame = Array(body.utf8)
        #expect(await poster(url, NoPoster()).post(frame, to: ids(1234)) == Delivery())
        let shards = try await drain(url).map { try FanoutShard(decoding: $0) }
        #expect(shards.flatMap(\.connections).sorted() == ids(1234).sorted())
        #expect(shards.count == 13 && shards.allSatisfy { $0.frame == frame })
    }

    @Test func `without its queue a fan-out is posted directly`() async throws {
        let url = try await makeQueue()
        let direct = NoPoster()
        #expect(await poster(url + "-gone", direct).post([0x61], to: ids(300)) == Delivery(failed: ids(300)))
        #expect(try await drain(url).isEmpty)
    }
}

/// Reaches nobody.
private struct NoPoster: Poster {
    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery { Delivery(failed: connections) }
    func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing { .absent }
}
