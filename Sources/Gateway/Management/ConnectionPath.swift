import ChatModel
import HTTPCodec
import JSONCoding

/// What a path of the management listener names: `[/STAGE]/@connections/{id}`, or something else.
enum ConnectionPath: Equatable {
    case connection(ConnectionID)
    case fault(ManagementService.Fault)
    case other

    init(_ path: String, stage: String) {
        let segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
            .map { PercentCoding.decoded(String($0) ?? "%") }
        guard let marker = segments.firstIndex(of: "@connections"), marker <= 1 else {
            self = .other
            return
        }
        guard marker == 0 || segments[0] == stage else {
            self = .fault(.forbidden)
            return
        }
        // An id is decoded once: what is percent-encoded in it after that is no id.
        guard segments.count == marker + 2, let id = segments[marker + 1].flatMap({ ConnectionID($0) }) else {
            self = .fault(.badRequest("Invalid connectionId"))
            return
        }
        self = .connection(id)
    }
}

extension ManagementService {
    /// The errors of the API, in the shape AWS clients know them by.
    enum Fault: Equatable {
        case gone
        case forbidden
        case payloadTooLarge
        case badRequest(String)

        var response: HTTPResponse {
            let (status, type, message) = answer
            var json = JSONWriter(capacity: 128)
            json.beginObject()
            json.member("message", message)
            json.endObject()
            return HTTPResponse(status: status, json: json.bytes, fields: ["x-amzn-errortype": type])
        }

        private var answer: (status: Int, type: String, message: String) {
            switch self {
            case .gone: (410, "GoneException", "The connection is gone")
            case .forbidden: (403, "ForbiddenException", "Forbidden")
            case .payloadTooLarge: (413, "PayloadTooLargeException", "The data is larger than 128 KB")
            case .badRequest(let message): (400, "BadRequestException", message)
            }
        }
    }
}
