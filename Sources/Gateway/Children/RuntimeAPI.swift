import HTTPCodec
import JSONCoding

/// The Lambda Runtime API, version 2018-06-01, as one child sees it.
///
/// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
struct RuntimeAPI: Sendable {
    let child: Child

    /// Lambda's bound on a response, in bytes.
    static let maxResponseBytes = 6 * 1024 * 1024

    var service: HTTPService {
        var service = HTTPService { request, _ in await respond(request) }
        service.limits = HTTPLimits(maxBodyBytes: Self.maxResponseBytes)
        // A child may be busy for as long as its invocation and the work after it take.
        service.idleTimeout = .seconds(3600)
        return service
    }

    private func respond(_ request: HTTPRequest) async -> HTTPResponse {
        let path = request.head.path.split(separator: "/").map(String.init)
        guard path.starts(with: ["2018-06-01", "runtime"]) else { return .uniform(404) }
        switch (request.head.method, Array(path.dropFirst(2))) {
        case ("GET", ["invocation", "next"]):
            return await child.next()
        case ("POST", ["init", "error"]):
            child.initializationFailed(errorType(request))
            return Self.accepted
        case ("POST", let rest) where rest.count == 3 && rest[0] == "invocation":
            let answer: Invocation.Answer
            switch rest[2] {
            case "response": answer = .success(request.body)
            case "error": answer = .failure(.handler(.reported(errorType(request))))
            default: return .uniform(404)
            }
            return child.answer(PercentCoding.decoded(rest[1]) ?? "", answer) ? Self.accepted : Self.unknownRequest
        default:
            return .uniform(404)
        }
    }

    private func errorType(_ request: HTTPRequest) -> String {
        if let type = request.head.fields.first("Lambda-Runtime-Function-Error-Type") { return type }
        return (try? JSONParser.parse(request.body))?.object?["errorType"]?.string ?? "Unknown"
    }

    private static let accepted = HTTPResponse(status: 202, json: Array(#"{"status":"OK"}"#.utf8))
    private static let unknownRequest = HTTPResponse(
        status: 400, json: Array(#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#.utf8))
}
