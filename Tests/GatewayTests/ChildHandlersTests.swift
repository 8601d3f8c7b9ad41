import ChatModel
import ChatWire
import Foundation
import JSONCoding
import Synchronization
import TestSupport
import Testing

@testable import Gateway

// One after the other: a file being written while another test forks is "busy" to exec.
@Suite(.serialized) struct ChildHandlersTests {
    /// A handler in Python that speaks the Runtime API; what it does is in the event's body.
    private static let bootstrap = #"""
        #!/usr/bin/env python3
        import http.client, json, os, sys, time
        inherited = [os.readlink(f"/proc/self/fd/{fd}") for fd in range(3, 256) if os.path.exists(f"/proc/self/fd/{fd}")]
        inherited = [name for name in inherited if name.startswith(("socket:", "anon_inode:"))]
        api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        base = "/2018-06-01/runtime/"
        def call(method, path, body=None, headers={}):
            api.request(method, base + path, body, headers)
            answer = api.getresponse()
            return answer, answer.read()
        while True:
            answer, event = call("GET", "invocation/next")
            id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
            event = json.loads(event)
            order = event.get("body", "")
            if order == "crash": os._exit(3)
            if order == "hang": time.sleep(60)
            if order == "skip": continue
            if order == "fail":
                call("POST", f"invocation/{id}/error", json.dumps({"errorMessage": "no", "errorType": "Sorry"}))
                continue
            if order == "wait":
                open(f"{os.environ['GATE']}.{os.getpid()}", "w").close()
                while not os.path.exists(os.environ["GATE"]): time.sleep(0.01)
            told = {"pid": os.getpid(), "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "body": order,
                "root": os.environ["LAMBDA_TASK_ROOT"], "own": os.environ.get("OWN"),
                "deadline": int(answer.headers["Lambda-Runtime-Deadline-Ms"]), "inherited": inherited}
            call("POST", f"invocation/{id}/response", json.dumps({"statusCode": 200, "body": json.dumps(told)}))
            if order == "later":
                while not os.path.exists(os.environ["GATE"]): time.sleep(0.01)
        """#

    /// A folder with one `Default/bootstrap`.
    private static func makeFolder(_ bootstrap: String = bootstrap) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.file("Default"), withIntermediateDirectories: true)
        _ = FileManager.default.createFile(
            atPath: folder.file("Default/bootstrap"), contents: Data(bootstrap.utf8), attributes: [.posixPermissions: 0o755])
        return folder
    }

    private static func configuration(_ folder: String) -> ChildHandlersConfiguration {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return ChildHandlersConfiguration(
            directory: folder, environment: ["OWN": "value", "GATE": "\(folder)/gate", "PATH": path])
    }

    private func run(
        bootstrap: String = ChildHandlersTests.bootstrap,
        _ configure: (inout ChildHandlersConfiguration) -> Void = { _ in },
        _ body: (ChildHandlers, _ gate: String) async throws -> Void
    ) async throws {
        let place = try Self.makeFolder(bootstrap)
        defer { withExtendedLifetime(place) {} }
        let folder = place.path
        var configuration = Self.configuration(folder)
        configure(&configuration)
        let handlers = try ChildHandlers(configuration)
        do {
            try await body(handlers, "\(folder)/gate")
        } catch {
            await handlers.stop()
            throw error
        }
        await handlers.stop()
    }

    private func invoke(_ handlers: ChildHandlers, _ body: String) async throws -> HandlerOutcome {
        try await handlers.invoke(.default, event(body))
    }

    private func event(_ body: String) -> GatewayEvent {
        var context = GatewayEvent.Context(connectionID: "AAAAAAAAAAAAAAA=", routeKey: "$default")
        context.eventType = .message
        return GatewayEvent(context, body: body)
    }

    private func told(_ outcome: HandlerOutcome) throws -> JSONObject {
        try #require(JSONParser.parse(outcome.response.body ?? []).object)
    }

    private func open(_ gate: String) { _ = FileManager.default.createFile(atPath: gate, contents: nil) }

    @Test func `a child is started once and told what Lambda would tell it`() async throws {
        try await run { handlers, _ in
            let start = SystemClock().now().milliseconds
            let first = try told(try await invoke(handlers, "1"))
            let end = SystemClock().now().milliseconds
            let second = try told(try await invoke(handlers, "2"))
            #expect(first["pid"]?.int64 == second["pid"]?.int64)
            #expect(first["name"]?.string == "Default")
            #expect(second["body"]?.string == "2")
            #expect(first["own"]?.string == "value")
            #expect(first["root"]?.string?.hasSuffix("/Default") == true)
            let deadline = try #require(first["deadline"]?.int64)
            #expect((start + 29_000...end + 29_000).contains(deadline))
            #expect(first["inherited"]?.array == [])
        }
    }

    @Test func `busy children are joined by others, up to the bound`() async throws {
        try await run({ $0.concurrency = 2 }) { handlers, gate in
            async let first = invoke(handlers, "wait")
            async let second = invoke(handlers, "wait")
            async let third = invoke(handlers, "wait")
            open(gate)
            let pids = try await [first, second, third].map { try told($0)["pid"]?.int64 }
            #expect(Set(pids).count <= 2)
        }
    }

    @Test func `two invocations run at once in two children`() async throws {
        try await run { handlers, gate in
            async let first = invoke(handlers, "wait")
            async let second = invoke(handlers, "wait")
            let folder = (gate as NSString).deletingLastPathComponent
            try await eventually {
                let started = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("gate.") }
                return started.count == 2 ? () : nil
            }
            open(gate)
            let pids = try await [first, second].map { try told($0)["pid"]?.int64 }
            #expect(Set(pids).count == 2)
        }
    }

    @Test func `the work after an answer ends when the child asks for more`() async throws {
        try await run { handlers, gate in
            let outcome = try await invoke(handlers, "later")
            let isDone = Mutex(false)
            let work = Task {
                await outcome.afterward?()
                isDone.withLock { $0 = true }
            }
            // Another child answers meanwhile: the first is not free yet.
            #expect(try told(try await invoke(handlers, "x"))["pid"]?.int64 != told(outcome)["pid"]?.int64)
            #expect(!isDone.withLock { $0 })
            open(gate)
            await work.value
        }
    }

    @Test(arguments: [
        ("crash", HandlerFailure.crashed), ("fail", .reported("Sorry")), ("skip", .noResponse), ("hang", .timedOut),
    ])
    func `a failed invocation says why, and the next one is served`(order: String, failure: HandlerFailure) async throws {
        try await run({ $0.invocationTimeout = .seconds(order == "hang" ? 3 : 29) }) { handlers, _ in
            await #expect(throws: GatewayError.handler(failure)) { _ = try await invoke(handlers, order) }
            let next = try told(try await invoke(handlers, "again"))
            #expect(next["body"]?.string == "again")
        }
    }

    @Test func `a handler that dies before its first invocation fails what waits for it`() async throws {
        try await run(bootstrap: "#!/bin/sh\nexit 1\n") { handlers, _ in
            await #expect(throws: GatewayError.handler(.crashed)) { _ = try await invoke(handlers, "1") }
        }
    }

    @Test func `a handler that is not there cannot start`() async throws {
        try await run { handlers, _ in
            await #expect(throws: GatewayError.handler(.cannotStart(ENOENT))) {
                _ = try await handlers.invoke(handler: "Nobody", payload: Array("{}".utf8))
            }
        }
    }

    @Test func `a raw payload goes in and out as it is`() async throws {
        try await run { handlers, _ in
            let answer = try await handlers.invoke(handler: "Default", payload: Array(#"{"body":"raw"}"#.utf8))
            #expect(try JSONParser.parse(answer).object?["statusCode"]?.int64 == 200)
        }
    }

    @Test func `stopping leaves no child behind`() async throws {
        let pid = Mutex<Int32>(0)
        try await run { handlers, _ in
            handlers.warm(["Default"])
            let told = try told(try await invoke(handlers, "1"))
            pid.withLock { $0 = Int32(told["pid"]?.int64 ?? 0) }
            #expect(kill(pid.withLock { $0 }, 0) == 0)
        }
        #expect(kill(pid.withLock { $0 }, 0) == -1)
    }

    @Test func `a server that is killed takes its children with it`() async throws {
        let place = try Self.makeFolder()
        defer { withExtendedLifetime(place) {} }
        let folder = place.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
            let handlers = try ChildHandlers(Self.configuration(folder))
            let answer = try await handlers.invoke(handler: "Default", payload: Array("{}".utf8))
            let told = try JSONParser.parse(answer).object?["body"]?.string.map { try JSONParser.parse($0) }
            let pid = try #require(told?.object?["pid"]?.int64)
            try String(pid).write(toFile: "\(folder)/pid", atomically: true, encoding: .utf8)
            kill(getpid(), SIGKILL)
        }
        let pid = try String(contentsOfFile: "\(folder)/pid", encoding: .utf8)
        try await eventually {
            // Gone, or dead and not yet reaped by whoever inherits orphans here.
            guard let state = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return () }
            return state.contains(") Z ") ? () : nil
        }
    }
}
