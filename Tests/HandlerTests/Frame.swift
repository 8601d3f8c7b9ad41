import JSONCoding

/// A server frame, read back.
struct Frame: Sendable, CustomStringConvertible, Equatable {
    let bytes: [UInt8]
    private let object: JSONObject

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        object = (try? JSONParser.parse(bytes))?.object ?? JSONObject([])
    }

    var description: String { String(decoding: bytes, as: UTF8.self) }
    var type: String? { string("type") }
    /// Of an error.
    var code: String? { string("code") }
    var names: [String] { object.members.map(\.name) }

    subscript(_ name: String) -> JSONValue? { object[name] }
    func string(_ name: String) -> String? { object[name]?.string }
    func int(_ name: String) -> Int64? { object[name]?.int64 }
    func bool(_ name: String) -> Bool? { object[name]?.bool }
    func list(_ name: String) -> [JSONObject] { (object[name]?.array ?? []).compactMap(\.object) }
    func strings(_ name: String, of member: String) -> [String] { list(name).compactMap { $0[member]?.string } }
    func seqs(_ name: String) -> [Int64] { list(name).compactMap { $0["seq"]?.int64 } }

    /// `join alice`, `leave alice left`: what a presence frame says but for version and time; nil for others.
    var presence: String? {
        guard type == "presence", let event = string("event"), let user = string("userId") else { return nil }
        return [event, user, string("reason")].compactMap { $0 }.joined(separator: " ")
    }
}

extension [Frame] {
    var presence: [String] { compactMap(\.presence) }
    var messages: [Frame] { filter { $0.type == "message" } }
    var bodies: [String] { messages.compactMap { $0.string("body") } }
}
