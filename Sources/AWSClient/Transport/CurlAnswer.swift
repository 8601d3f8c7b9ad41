import HTTPCodec

/// An answer as it was received; it is read by who waits for it and not on the driver's thread.
struct CurlAnswer: Equatable, Sendable {
    let status: Int
    let head: [UInt8]
    let body: [UInt8]

    var response: HTTPResponse { HTTPResponse(status: status, fields: Self.fields(head), body: body) }

    /// libcurl has read the head already; what is no field line here is the status line or the end.
    private static func fields(_ head: [UInt8]) -> HTTPFields {
        var fields = HTTPFields()
        for line in head.split(separator: UInt8(ascii: "\n")) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), !line.starts(with: "HTTP/".utf8) else { continue }
            var value = line[line.index(after: colon)...]
            while let first = value.first, isBlank(first) { value.removeFirst() }
            while let last = value.last, isBlank(last) { value.removeLast() }
            fields.add(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        return fields
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
}
