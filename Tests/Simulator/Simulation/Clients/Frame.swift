import JSONCoding

/// A server frame, read back.
package struct Frame: Sendable, CustomStringConvertible, Equatable {
    package let bytes: [UInt8]
    private let object: JSONObject

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        object = (try? JSONParser.parse(bytes))?.object ?? JSONObject([])
    }

    package var description: String { String(decoding: bytes.prefix(2000), as: UTF8.self) }
    package var type: String? { string("type") }
    /// Of an error.
    package var code: String? { string("code") }
    package var names: [String] { object.members.map(\.name) }

    package subscript(_ name: String) -> JSONValue? { object[name] }
    package func string(_ name: String) -> String? { object[name]?.string }
    package func int(_ name: String) -> Int64? { object[name]?.int64 }
    package func bool(_ name: String) -> Bool? { object[name]?.bool }
    package func list(_ name: String) -> [JSONObject] { (object[name]?.array ?? []).compactMap(\.object) }
    package func strings(_ name: String, of member: String) -> [String] { list(name).compactMap { $0[member]?.string } }
    package func seqs(_ name: String) -> [Int64] { list(name).compactMap { $0["seq"]?.int64 } }

    /// `join alice`, `leave alice left`: what a presence frame says but for version and time; nil for others.
    package var presence: String? {
        guard type == "presence", let event = string("event"), let user = string("userId") else { return nil }
        return [event, user, string("reason")].compactMap { $0 }.joined(separator: " ")
    }
}

extension [Frame] {
    package var presence: [String] { compactMap(\.presence) }
    package var messages: [Frame] { filter { $0.type == "message" } }
    package var bodies: [String] { messages.compactMap { $0.string("body") } }
}
