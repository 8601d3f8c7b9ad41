import Foundation
import HTTPCodec
import LambdaRuntime
import Synchronization
import Testing

private struct RoomIsFull: Error, CustomStringConvertible {
    let description = "room \"a\" is full\n"
}

/// What happened, in order.
private final class Record: Sendable {
    private let entries = Mutex<[String]>([])
    var all: [String] { entries.withLock { $0 } }
    func add(_ entry: String) { entries.withLock { $0.append(entry) } }
}

private func invocation(_ event: String, id: String = "id-1", fields: HTTPFields = [:]) -> LoopbackServer.Answer {
    var response = HTTPResponse(status: 200, json: Array(event.utf8))
    response.fields.add("Lambda-Runtime-Aws-Request-Id", id)
    for field in fields { response.fields.add(field.name, field.value) }
    return .response(response)
}

private let accepted = LoopbackServer.Answer.response(HTTPResponse(status: 202))

// One run at a time: SIGTERM and the environment belong to the whole process.
@Suite(.serialized) struct LambdaRuntimeTests {
    /// Serves `events` one after the other and is gone after them; gives the requests and how the run ended.
    private func run(
        _ events: [LoopbackServer.Answer], posts: @escaping @Sendable (HTTPRequest) -> LoopbackServer.Answer = { _ in accepted },
        record: Record = Record(),
        _ handler: @Sendable ([UInt8], InvocationContext) async throws -> InvocationResult
    ) async throws -> (requests: [HTTPRequest], end: LambdaRuntimeError?) {
        let asked = Mutex(0)
        let server = LoopbackServer { request, _ in
            record.add("\(request.head.method) \(request.head.path.split(separator: "/").last ?? "")")
            guard request.head.path.hasSuffix("/next") else { return posts(request) }
            let index = asked.withLock { count in
                count += 1
                return count - 1
            }
            return index < events.count ? events[index] : .close
        }
        defer { server.stop() }
        let runtime = try LambdaRuntime(endpoint: server.endpoint)
        do throws(LambdaRuntimeError) {
            try await runtime.run(handler)
            return (server.requests, nil)
        } catch {
            return (server.requests, error)
        }
    }

    @Test func `an invocation is handled, its response posted, the work afterward done, the next asked for`() async throws {
        let record = Record()
        let (requests, end) = try await run([invocation("{\"a\":1}"), invocation("2", id: "id/2")], record: record) { event, context in
            record.add("handle \(String(decoding: event, as: UTF8.self)) \(context.requestID)")
            return InvocationResult(response: Array("out".utf8)) {
                await Task.yield()
                record.add("afterward \(context.requestID)")
            }
        }
        #expect(end == .endpointGone)
        #expect(
            Array(record.all.prefix(9)) == [
                "GET next", "handle {\"a\":1} id-1", "POST response", "afterward id-1",
                "GET next", "handle 2 id/2", "POST response", "afterward id/2", "GET next",
            ])
        #expect(requests[1].head.target == "/2018-06-01/runtime/invocation/id-1/response")
        #expect(requests[1].body == Array("out".utf8))
        #expect(requests[3].head.target == "/2018-06-01/runtime/invocation/id%2F2/response")
    }

    @Test func `the context has what the headers say`() async throws {
        let fields: HTTPFields = [
            "Lambda-Runtime-Deadline-Ms": "4102444800000", "Lambda-Runtime-Trace-Id": "Root=1-5;Sampled=1",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu:1:function:f", "Lambda-Runtime-Client-Context": "{}",
        ]
        let contexts = Mutex<[InvocationContext]>([])
        let traces = Record()
        _ = try await run([invocation("1", fields: fields), invocation("2", id: "b")]) { _, context in
            contexts.withLock { $0.append(context) }
            traces.add(ProcessInfo.processInfo.environment["_X_AMZN_TRACE_ID"] ?? "none")
            return InvocationResult(response: [])
        }
        let expected = InvocationContext(
            requestID: "id-1", deadline: 4_102_444_800_000, traceID: "Root=1-5;Sampled=1",
            invokedFunctionARN: "arn:aws:lambda:eu:1:function:f", clientContext: "{}")
        #expect(contexts.withLock { $0 } == [expected, InvocationContext(requestID: "b", deadline: .max)])
        #expect(expected.remainingMilliseconds > 0)
        #expect(InvocationContext(requestID: "c", deadline: 1).remainingMilliseconds < 0)
        #expect(traces.all == ["Root=1-5;Sampled=1", "none"])
    }

    @Test func `what a handler throws is posted as the invocation's error and the loop goes on`() async throws {
        let (requests, end) = try await run([invocation("1"), invocation("2")]) { event, _ in
            if event == Array("1".utf8) { throw RoomIsFull() }
            return InvocationResult(response: [])
        }
        #expect(end == .endpointGone)
        let report = requests[1]
        #expect(report.head.target == "/2018-06-01/runtime/invocation/id-1/error")
        #expect(report.head.fields.first("Lambda-Runtime-Function-Error-Type") == "Function.RoomIsFull")
        let json = try #require(try JSONSerialization.jsonObject(with: Data(report.body)) as? [String: Any])
        #expect(json["errorMessage"] as? String == "room \"a\" is full\n")
        #expect(json["errorType"] as? String == "RoomIsFull")
        #expect((json["stackTrace"] as? [Any])?.isEmpty == true)
        #expect(requests[3].head.path.hasSuffix("/response"))
    }

    @Test func `a response over the limit becomes an error, and its work is done all the same`() async throws {
        let record = Record()
        let size = LambdaRuntime.maxResponseBytes
        for (count, posts) in [(size, ["POST response"]), (size + 1, ["POST error"])] {
            let record = Record()
            _ = try await run([invocation("1")], record: record) { _, _ in
                InvocationResult(response: [UInt8](repeating: 32, count: count)) { record.add("afterward") }
            }
            #expect(Array(record.all[1..<3]) == posts + ["afterward"])
        }
        let refusing: @Sendable (HTTPRequest) -> LoopbackServer.Answer = {
            $0.head.path.hasSuffix("/response") ? .response(HTTPResponse(status: 413)) : accepted
        }
        _ = try await run([invocation("1")], posts: refusing, record: record) { _, _ in InvocationResult(response: []) }
        #expect(Array(record.all.prefix(3)) == ["GET next", "POST response", "POST error"])
    }

    @Test(arguments: [400, 403]) func `an invocation that is over already does not end the loop`(_ status: Int) async throws {
        let (requests, end) = try await run(
            [invocation("1"), invocation("2")], posts: { _ in .response(HTTPResponse(status: status)) }
        ) { _, _ in InvocationResult(response: []) }
        #expect(end == .endpointGone)
        #expect(requests.filter { $0.head.method == "POST" }.count == 2)
    }

    @Test func `a container error ends the loop after the work afterward`() async throws {
        let record = Record()
        let (_, end) = try await run([invocation("1")], posts: { _ in .response(HTTPResponse(status: 500)) }) { _, _ in
            InvocationResult(response: []) { record.add("afterward") }
        }
        #expect(end == .refused(status: 500))
        #expect(record.all == ["afterward"])
    }

    @Test func `anything but an invocation ends the loop`() async throws {
        let handler: @Sendable ([UInt8], InvocationContext) async throws -> InvocationResult = { _, _ in
            Issue.record("nothing to handle")
            return InvocationResult(response: [])
        }
        #expect(try await run([.response(HTTPResponse(status: 403))], handler).end == .refused(status: 403))
        #expect(try await run([.response(HTTPResponse(status: 200))], handler).end == .malformedInvocation)
        #expect(try await run([.close], handler).end == .endpointGone)
    }

    @Test func `nobody at the endpoint ends the loop`() async throws {
        let server = LoopbackServer { _, _ in .close }
        server.stop()
        let runtime = try LambdaRuntime(endpoint: server.endpoint)
        await #expect(throws: LambdaRuntimeError.endpointGone) {
            try await runtime.run { _, _ in InvocationResult(response: []) }
        }
    }

    @Test func `SIGTERM between invocations ends the loop without an error`() async throws {
        let server = LoopbackServer { _, index in
            // The question for the next invocation is open: the loop is between two.
            kill(getpid(), SIGTERM)
            return .silence
        }
        defer { server.stop() }
        try await LambdaRuntime(endpoint: server.endpoint).run { _, _ in InvocationResult(response: []) }
        #expect(server.requests.count == 1)
    }

    @Test func `SIGTERM inside an invocation lets it finish`() async throws {
        let record = Record()
        let server = LoopbackServer { request, index in
            index == 0 ? invocation("1") : request.head.path.hasSuffix("/next") ? .silence : accepted
        }
        defer { server.stop() }
        try await LambdaRuntime(endpoint: server.endpoint).run { _, _ in
            kill(getpid(), SIGTERM)
            return InvocationResult(response: []) { record.add("afterward") }
        }
        #expect(record.all == ["afterward"])
        #expect(server.requests.contains { $0.head.path.hasSuffix("/id-1/response") })
    }

    @Test func `a failure to start is reported`() throws {
        let server = LoopbackServer { _, _ in accepted }
        defer { server.stop() }
        try LambdaRuntime.reportInitError(endpoint: server.endpoint, type: "MissingTable", message: "set MUSTER_TABLE")
        let report = try #require(server.requests.first)
        #expect(report.head.target == "/2018-06-01/runtime/init/error")
        #expect(report.head.fields.first("Lambda-Runtime-Function-Error-Type") == "Runtime.MissingTable")
        #expect(
            String(decoding: report.body, as: UTF8.self)
                == #"{"errorMessage":"set MUSTER_TABLE","errorType":"MissingTable","stackTrace":[]}"#)
    }

    @Test(arguments: ["", "host", "host:", ":80", "host:0", "host:65536", "host:x"])
    func `an endpoint without host or port is refused`(_ endpoint: String) {
        #expect(throws: LambdaRuntimeError.invalidEndpoint) { try LambdaRuntime(endpoint: endpoint) }
    }
}
