/// The files that AWS's tools share: keys in `~/.aws/credentials`, keys and the region in `~/.aws/config`.
///
/// Profiles that take a role, a process or a login are no source here; their static keys are.
/// Source: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
struct ProfileFiles: Equatable, Sendable {
    let name: String
    /// Whether the name was asked for: then it must be there.
    private let isNamed: Bool
    private let credentialsPath: String?
    private let configPath: String?

    static let variableNames = ["AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "HOME"]
    private static let maxBytes = 1 << 20

    init(_ read: (String) -> String?) {
        let folder = read("HOME").map { $0 + "/.aws/" }
        isNamed = read("AWS_PROFILE") != nil
        name = read("AWS_PROFILE") ?? "default"
        credentialsPath = read("AWS_SHARED_CREDENTIALS_FILE") ?? folder.map { $0 + "credentials" }
        configPath = read("AWS_CONFIG_FILE") ?? folder.map { $0 + "config" }
    }

    /// Nil when there is no such profile, or none with keys, and none was asked for.
    func credentials() throws(AWSError) -> AWSCredentials? {
        let sections = [section(name, in: credentialsPath), configSection()]
        for section in sections.compactMap({ $0 }) {
            guard let id = section["aws_access_key_id"], let secret = section["aws_secret_access_key"] else { continue }
            guard let credentials = AWSCredentials(checking: id, secret, section["aws_session_token"]) else {
                throw .noCredentials("the keys of profile \(name) have blanks or control characters, or are empty")
            }
            return credentials
        }
        if isNamed { throw .noCredentials("profile \(name) has no aws_access_key_id with an aws_secret_access_key") }
        return nil
    }

    func region() -> String? {
        (configSection()?["region"] ?? section(name, in: credentialsPath)?["region"]).flatMap { $0.isEmpty ? nil : $0 }
    }

    private func configSection() -> [String: String]? {
        section("profile \(name)", in: configPath) ?? (name == "default" ? section(name, in: configPath) : nil)
    }

    private func section(_ title: String, in path: String?) -> [String: String]? {
        guard let path, let bytes = SmallFile.read(path, limit: Self.maxBytes) else { return nil }
        return Self.section(title, of: bytes)
    }

    /// The settings of the sections of this title; nil without one. Of two settings of one name the last counts.
    static func section(_ title: String, of bytes: [UInt8]) -> [String: String]? {
        var found: [String: String]?
        var isInside = false
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            // An indented line belongs to the setting before it, and none of those counts here.
            guard let first = line.first, first != 0x20, first != 0x09, first != UInt8(ascii: "#"), first != UInt8(ascii: ";")
            else { continue }
            if first == UInt8(ascii: "[") {
                let words = line.dropFirst().prefix { $0 != UInt8(ascii: "]") }.split { $0 == 0x20 || $0 == 0x09 }
                isInside = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ") == title
                if isInside, found == nil { found = [:] }
            } else if isInside, let equals = line.firstIndex(of: UInt8(ascii: "=")) {
                found?[text(line[..<equals]).lowercased()] = text(uncommented(line[line.index(after: equals)...]))
            }
        }
        return found
    }

    /// A `#` or `;` after a blank begins a comment.
    private static func uncommented(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var isAfterBlank = false
        for index in value.indices {
            if isAfterBlank, value[index] == UInt8(ascii: "#") || value[index] == UInt8(ascii: ";") { return value[..<index] }
            isAfterBlank = value[index] == 0x20 || value[index] == 0x09
        }
        return value
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
