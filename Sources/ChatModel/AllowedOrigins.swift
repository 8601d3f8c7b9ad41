/// The origins of pages that may connect, as browsers write them into `Origin` (RFC 6454 section 6.2): `https://chat.example`,
/// `http://localhost:3000`, `null`.
///
/// Browsers write an origin in one way, so bytes are compared and nothing is normalised.
public struct AllowedOrigins: Sendable, Equatable {
    private let patterns: [Pattern]

    public init(_ patterns: [Pattern]) { self.patterns = patterns }

    public func allows(_ origin: String) -> Bool { patterns.contains { $0.matches(origin) } }

    /// One entry: an origin, or with `*.` before the host every subdomain of it, however deep, and not the host itself.
    public struct Pattern: Sendable, Equatable {
        /// The entry as it was given, or with a star what comes before it.
        private let start: String
        /// With a star what comes after it, from its dot; nil without.
        private let end: String?

        /// Nil for what no browser sends, and so would match nothing: no scheme, a path, a capital letter, a scheme's own port,
        /// a star anywhere but in place of the first labels.
        public init?(_ text: String) {
            if text == "null" {
                (start, end) = (text, nil)
                return
            }
            let bytes = Array(text.utf8)
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else { return nil }
            let scheme = bytes[..<colon], authority = bytes[(colon + 3)...]
            guard Pattern.isScheme(scheme) else { return nil }
            let isWild = authority.starts(with: "*.".utf8)
            guard let host = Pattern.host(isWild ? authority.dropFirst(2) : authority, of: scheme) else { return nil }
            if isWild {
                // An address has no subdomains.
                guard Pattern.areLabels(host), !Pattern.endsInNumber(host) else { return nil }
                start = String(decoding: bytes[..<(colon + 3)], as: UTF8.self)
                end = String(decoding: authority.dropFirst(), as: UTF8.self)
            } else {
                guard Pattern.areLabels(host) || Pattern.isIPv6(host) else { return nil }
                (start, end) = (text, nil)
            }
        }

        func matches(_ origin: String) -> Bool {
            let bytes = origin.utf8
            guard let end else { return bytes.elementsEqual(start.utf8) }
            guard bytes.count > start.utf8.count + end.utf8.count, bytes.starts(with: start.utf8),
                bytes.suffix(end.utf8.count).elementsEqual(end.utf8)
            else { return false }
            return Pattern.areLabels(Array(bytes.dropFirst(start.utf8.count).dropLast(end.utf8.count))[...])
        }

        /// The host of `host[:port]`; nil if the port is none, or the scheme's own, which browsers leave out.
        private static func host(_ authority: ArraySlice<UInt8>, of scheme: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
            guard let colon = authority.lastIndex(of: UInt8(ascii: ":")), authority.last != UInt8(ascii: "]") else {
                return authority
            }
            let digits = authority[(colon + 1)...]
            guard digits.allSatisfy(isDigit), digits.first != UInt8(ascii: "0"),
                let port = UInt16(String(decoding: digits, as: UTF8.self))
            else { return nil }
            let own: UInt16? =
                scheme.elementsEqual("https".utf8) ? 443 : scheme.elementsEqual("http".utf8) ? 80 : nil
            return port == own ? nil : authority[..<colon]
        }

        private static func isScheme(_ bytes: ArraySlice<UInt8>) -> Bool {
            guard let first = bytes.first, isLetter(first) else { return false }
            return bytes.allSatisfy { isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }
        }

        /// Labels separated by dots, none empty; an underscore is no host's, and browsers take it.
        private static func areLabels(_ bytes: ArraySlice<UInt8>) -> Bool {
            bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
                !label.isEmpty && label.allSatisfy { isLetter($0) || isDigit($0) || "-_".utf8.contains($0) }
            }
        }

        private static func endsInNumber(_ host: ArraySlice<UInt8>) -> Bool {
            host.split(separator: UInt8(ascii: ".")).last?.allSatisfy(isDigit) ?? false
        }

        private static func isIPv6(_ host: ArraySlice<UInt8>) -> Bool {
            guard host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]"), host.count > 4 else { return false }
            return host.dropFirst().dropLast().allSatisfy { isDigit($0) || "abcdef:".utf8.contains($0) }
        }

        private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    }
}

extension AllowedOrigins: CustomStringConvertible {
    /// The list as it was given, separated by commas.
    public var description: String { patterns.map(\.description).joined(separator: ",") }
}

extension AllowedOrigins.Pattern: CustomStringConvertible {
    public var description: String { end.map { "\(start)*\($0)" } ?? start }
}
