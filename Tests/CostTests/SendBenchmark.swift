import AWSPosters
import ChatHandlers
import ChatModel
import ChatWire
import DynamoTable
import Foundation
import HTTPCodec
import Logs
import Testing

@testable import AWSClient

/// What a warm `sendMessage` costs the function itself in a room of 100: the event read, the decision, two calls of DynamoDB
/// before the ack and one after it, 99 posts, each signed; all but libcurl and the network. Run with
/// `MUSTER_BENCHMARK=1 swift test -c release -Xswiftc -enable-testing --filter SendBenchmark`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["MUSTER_BENCHMARK"] != nil))
struct SendBenchmark {
    /// Answers at once, as AWS would.
    private struct Wire: HTTPTransport {
        let answers: [String: HTTPResponse]
        let posted = HTTPResponse(status: 200, fields: ["Content-Length": "0"])

        func send(all requests: [OutgoingRequest], timeout: Duration) async -> [Result<HTTPResponse, TransportFailure>] {
            requests.map { request in
                guard let target = request.fields.first("X-Amz-Target") else { return .success(posted) }
                return .success(answers[String(target.split(separator: ".")[1])]!)
            }
        }
    }

    private static func answer(_ text: String) -> HTTPResponse {
        HTTPResponse(status: 200, fields: ["Content-Type": "application/x-amz-json-1.0"], body: Array(text.utf8))
    }

    private static let session: String = {
        let (now, later) = (Int64(Date().timeIntervalSince1970), Int64(Date().timeIntervalSince1970) + 3600)
        let connection = """
            {"PK":{"S":"CONN#connection000000="},"SK":{"S":"META"},"GSI1PK":{"S":"USER#tenant000012#user000000000000"},"GSI1SK":{"S":"CONN#connection000000="},\
            "GSI2PK":{"S":"TENANT#tenant000012#7"},"GSI2SK":{"S":"USER#user000000000000#CONN#connection000000="},"v":{"N":"1"},"connectionId":{"S":"connection000000="},\
            "tenantId":{"S":"tenant000012"},"userId":{"S":"user000000000000"},"connectedAt":{"N":"\(now)000"},"lastSeen":{"N":"\(now)000"},"expiresAt":{"N":"\(later)"},\
            "tokenExpiresAt":{"N":"\(later)"},"wheelMinute":{"N":"\(later / 60)"},"rooms":{"SS":["lobby00000000016"]}}
            """
        let head = """
            {"PK":{"S":"ROOM#tenant000012#lobby00000000016"},"SK":{"S":"META"},"seq":{"N":"1233"},"epoch":{"S":"72yfabcdefghi"},"tenantId":{"S":"tenant000012"},\
            "roomId":{"S":"lobby00000000016"},"createdAt":{"N":"\(now)000"},"v":{"N":"1"}}
            """
        return #"{"Responses":{"muster":[\#(connection),\#(head)]},"UnprocessedKeys":{}}"#
    }()

    private static let members: String = {
        let items = (100_000..<100_100).map { number in
            """
            {"PK":{"S":"ROOM#tenant000012#lobby00000000016"},"SK":{"S":"CONN#connection\(number)="},"userId":{"S":"user\(number)"}}
            """
        }
        return #"{"Count":100,"ScannedCount":100,"Items":[\#(items.joined(separator: ","))]}"#
    }()

    @Test func `sending to a room of 100`() async throws {
        let wire = Wire(answers: [
            "BatchGetItem": Self.answer(Self.session), "TransactWriteItems": Self.answer("{}"), "Query": Self.answer(Self.members),
        ])
        let variables = [
            "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": String(repeating: "t", count: 600),
        ]
        let client = AWSClient(try AWSConfiguration { variables[$0] }, log: .silent, transport: wire, surroundings: .system)
        let endpoint = try ManagementEndpoint()
        let services = ChatServices(
            table: DynamoTable(caller: client, name: "muster"),
            poster: ConnectionsPoster(caller: client, endpoint: endpoint, log: .silent), verifier: nil, settings: Settings(), log: .silent)
        var context = GatewayEvent.Context(connectionID: "connection000000=", routeKey: "sendMessage")
        context.authorizer = ["tenantId": "tenant000012", "userId": "user000000000000", "exp": "1795300000"]
        (context.domainName, context.stage) = ("abc.execute-api.eu-west-1.amazonaws.com", "live")
        let body = #"{"action":"sendMessage","roomId":"lobby00000000016","body":"\#(String(repeating: "b", count: 200))"}"#
        let payload = GatewayEvent(context, body: body).encoded()

        var (untilAck, whole): (clock_t, clock_t) = (0, 0)
        let count = 2000
        for round in 0..<count + 200 {
            if round == 200 { (untilAck, whole) = (0, 0) }
            let began = clock()
            let event = try GatewayEvent(decoding: payload)
            endpoint.learn(from: event.context)
            let outcome = await SendMessage(services).handle(event)
            let bytes = outcome.response.encoded()
            untilAck += clock() - began
            await outcome.afterward?()
            whole += clock() - began
            if round == 0 {
                #expect(String(decoding: bytes, as: UTF8.self).contains("1234"))
                #expect(client.counts(of: .dynamoDB).calls == 3)
                #expect(client.counts(of: .management).calls == 100, "so many members, of whom the sender is none")
            }
        }
        for (name, ticks) in [("until the ack", untilAck), ("with the fan-out", whole)] {
            print("\(name): \(Double(ticks) / Double(count) * 1_000_000 / Double(CLOCKS_PER_SEC)) µs of CPU")
        }
    }
}
