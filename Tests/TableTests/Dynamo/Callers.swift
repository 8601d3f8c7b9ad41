import AWSClient
import JSONCoding
import Synchronization
import TestSupport
import Testing

@testable import DynamoTable

/// Answers from a script, and notes what was sent.
final class ScriptedCaller: AWSCaller {
    private let sent = Mutex<[AWSRequest]>([])
    private let answer: @Sendable (_ number: Int, AWSRequest) -> Result<String, AWSError>

    /// - Parameter answer: gets the number of the call, from 0.
    init(_ answer: @escaping @Sendable (Int, AWSRequest) -> Result<String, AWSError>) { self.answer = answer }

    convenience init(_ answer: Result<String, AWSError> = .success("{}")) { self.init { _, _ in answer } }

    /// Each call's operation and body: `GetItem {"TableName":…}`.
    var requests: [String] { sent.withLock { $0 }.map { "\($0.operation) \($0.text)" } }

    func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse {
        let number = sent.withLock { requests in
            requests.append(request)
            return requests.count - 1
        }
        return AWSResponse(status: 200, body: Array(try answer(number, request).get().utf8))
    }
}

/// Stands between a table and the emulator, and does to some calls what a network or a busy service does.
final class FaultyCaller: AWSCaller {
    typealias Next = @Sendable (AWSRequest) async throws(AWSError) -> AWSResponse

    private let sent = Mutex<[AWSRequest]>([])
    private let handle: @Sendable (_ number: Int, AWSRequest, Next) async throws(AWSError) -> AWSResponse

    init(_ handle: @escaping @Sendable (Int, AWSRequest, Next) async throws(AWSError) -> AWSResponse) { self.handle = handle }

    var requests: [AWSRequest] { sent.withLock { $0 } }

    func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse {
        let number = sent.withLock { requests in
            requests.append(request)
            return requests.count - 1
        }
        return try await handle(number, request) { request throws(AWSError) in try await Emulator.caller.send(request) }
    }
}

extension AWSRequest {
    var operation: String { fields.first("X-Amz-Target")?.split(separator: ".").last.map(String.init) ?? "" }
    var text: String { String(decoding: body, as: UTF8.self) }
    var object: JSONObject { get throws { try #require(try JSONParser.parse(body).object) } }
}

extension AWSError {
    static func refusal(_ code: String, message: String = "", status: Int = 400, _ members: String = "") -> AWSError {
        let body = #"{"__type":"com.amazonaws.dynamodb.v20120810#\#(code)","message":"\#(message)"\#(members)}"#
        return .refused(AWSRefusal(status: status, code: code, message: message, body: Array(body.utf8)))
    }
}

extension DynamoTable {
    /// A table named T whose waits take no time; `waits` is told of each.
    init(_ caller: any AWSCaller, name: String = "T", waits: Waits = Waits(), onCapacity: (@Sendable (ConsumedCapacity) -> Void)? = nil) {
        self.init(
            caller: caller, name: name, region: "eu-west-1", onCapacity: onCapacity, backOff: BackOff(sleep: { waits.note($0) }))
    }
}

/// How long was waited, wait by wait.
final class Waits: Sendable {
    private let all = Mutex<[Duration]>([])
    func note(_ wait: Duration) { all.withLock { $0.append(wait) } }
    var durations: [Duration] { all.withLock { $0 } }
}

/// What was told of capacity.
final class Heard: Sendable {
    private let told = Mutex<[ConsumedCapacity]>([])
    @Sendable func note(_ capacity: ConsumedCapacity) { told.withLock { $0.append(capacity) } }
    var all: [ConsumedCapacity] { told.withLock { $0 } }
}

/// Answers every call alike, and notes nothing.
struct AnsweringCaller: AWSCaller {
    private let body: [UInt8]
    init(_ body: String) { self.body = Array(body.utf8) }
    func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse { AWSResponse(status: 200, body: body) }
}
