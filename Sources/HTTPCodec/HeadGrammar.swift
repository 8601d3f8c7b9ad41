/// Reads start lines and field lines (RFC 9112 sections 3 to 5), strictly: what two readers might understand
/// differently is refused.
enum HeadGrammar {
    /// `method SP request-target SP HTTP-version`.
    ///
    /// Only the origin form of a target (`/path?query`) and `*` are taken: nothing proxies through this server.
    static func requestHead(_ line: ArraySlice<UInt8>, _ limits: HTTPLimits) throws(HTTPFault) -> HTTPRequestHead {
        let parts = line.split(separator: ASCII.space, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformedRequestLine }
        let (method, target) = (parts[0], parts[1])
        guard ASCII.isToken(method), method.count <= HTTPLimits.maxMethodBytes else { throw .invalidMethod }
        guard target.allSatisfy(ASCII.isTargetByte) else { throw .invalidTarget }
        guard let version = version(parts[2]) else { throw .malformedRequestLine }
        guard version.major == 1, version.minor <= 1 else { throw .unsupportedVersion }
        guard target.first == UInt8(ascii: "/") || target.elementsEqual("*".utf8) else { throw .invalidTarget }
        guard target.count <= limits.maxTargetBytes else { throw .targetTooLong }
        return HTTPRequestHead(
            method: String(decoding: method, as: UTF8.self), target: String(decoding: target, as: UTF8.self),
            minorVersion: version.minor)
    }

    /// `HTTP-version SP status-code SP [reason-phrase]`; the second space may be missing, as some servers do.
    static func responseHead(_ line: ArraySlice<UInt8>) throws(HTTPFault) -> HTTPResponseHead {
        let parts = line.split(separator: ASCII.space, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let version = version(parts[0]) else { throw .malformedStatusLine }
        guard version.major == 1, version.minor <= 1 else { throw .unsupportedVersion }
        guard parts[1].count == 3, let status = decimal(parts[1]), status >= 100 else { throw .malformedStatusLine }
        let reason = parts.count == 3 ? parts[2] : []
        guard reason.allSatisfy(ASCII.isValueByte) else { throw .malformedStatusLine }
        return HTTPResponseHead(
            status: status, reason: String(decoding: reason, as: UTF8.self), minorVersion: version.minor)
    }

    /// `field-name ":" OWS field-value OWS`. Values must be UTF-8, so that nothing is lost in a `String`.
    static func field(_ line: ArraySlice<UInt8>) throws(HTTPFault) -> HTTPFields.Field {
        guard let first = line.first, !ASCII.isBlank(first) else { throw .obsoleteLineFolding }
        guard let colon = line.firstIndex(of: ASCII.colon), ASCII.isToken(line[..<colon]) else { throw .malformedField }
        var value = line[(colon + 1)...].drop(while: ASCII.isBlank)
        while let last = value.last, ASCII.isBlank(last) { value.removeLast() }
        guard value.allSatisfy(ASCII.isValueByte), let text = String(validating: value, as: UTF8.self) else {
            throw .malformedField
        }
        return HTTPFields.Field(name: String(decoding: line[..<colon], as: UTF8.self), value: text)
    }

    /// One `Host` on HTTP/1.1, at most one on HTTP/1.0 (RFC 9112 section 3.2).
    static func checkHost(_ head: HTTPRequestHead) throws(HTTPFault) {
        let hosts = head.fields.all("Host")
        guard hosts.count == 1 || hosts.isEmpty && head.minorVersion == 0,
            hosts.allSatisfy({ $0.utf8.allSatisfy(ASCII.isHostByte) })
        else { throw .invalidHost }
    }

    /// The number that one or more ASCII digits write; nil for anything else, also on overflow.
    static func decimal(_ digits: some Collection<UInt8>) -> Int? {
        guard !digits.isEmpty else { return nil }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = product.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            guard !overflows, !carries else { return nil }
            value = sum
        }
        return value
    }

    /// The digits of `HTTP/d.d`.
    private static func version(_ bytes: ArraySlice<UInt8>) -> (major: Int, minor: Int)? {
        guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), bytes[bytes.startIndex + 6] == UInt8(ascii: "."),
            let major = decimal(bytes[(bytes.startIndex + 5)...].prefix(1)), let minor = decimal(bytes.suffix(1))
        else { return nil }
        return (major, minor)
    }
}
