import JSONCoding

/// Reads one JSON Web Key (RFC 7517 section 4). Members that nobody here uses, such as `x5c`, may be anything.
struct JWKReader {
    let members: JSONObject
    let allowsSecrets: Bool

    /// What a public key of RSA, EC or OKP never has (RFC 7518 sections 6.2.2 and 6.3.2).
    private static let privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]

    func read() throws(IgnoredKey.Reason) -> TokenKey {
        guard let kind = try string(.kty) else { throw .badMember(.kty) }
        let id = try string(.kid)
        if let id, id.utf8.count > TokenKey.maxIDBytes { throw .badMember(.kid) }
        try checkPurpose()
        if kind.utf8.elementsEqual("oct".utf8) { return try secret(id) }
        if Self.privateMembers.contains(where: { members[$0] != nil }) { throw .hasPrivatePart }
        let key = try publicKey(kind)
        return TokenKey(key, id: id, algorithms: try algorithms(of: key.algorithms))
    }

    private func checkPurpose() throws(IgnoredKey.Reason) {
        if let use = try string(.use), !use.utf8.elementsEqual("sig".utf8) { throw .notForSignatures }
        guard let value = member(.operations) else { return }
        guard let operations = value.array, operations.allSatisfy({ $0.string != nil }) else { throw .badMember(.operations) }
        guard operations.contains(.string("verify")) else { throw .notForVerifying }
    }

    /// Those of `possible` that `alg` allows: one if it is there, else all.
    private func algorithms(of possible: Set<Algorithm>) throws(IgnoredKey.Reason) -> Set<Algorithm> {
        guard let name = try string(.alg) else { return possible }
        guard let algorithm = Algorithm(named: name), possible.contains(algorithm) else { throw .algorithmNotOfKey }
        return [algorithm]
    }

    private func secret(_ id: String?) throws(IgnoredKey.Reason) -> TokenKey {
        guard allowsSecrets else { throw .secretNotAllowed }
        let wanted = try algorithms(of: Algorithm.ofSecrets)
        let secret = try bytes(.k)
        // RFC 7518 section 3.2: at least as long as the code.
        let algorithms = wanted.filter { secret.count >= $0.codeBytes }
        guard !algorithms.isEmpty, let key = try? TokenKey(secret: secret, id: id, algorithms: algorithms) else {
            throw .secretTooShort(bytes: secret.count)
        }
        return key
    }

    private func publicKey(_ kind: String) throws(IgnoredKey.Reason) -> PublicKey {
        if kind.utf8.elementsEqual("RSA".utf8) {
            return try PublicKey(modulus: number(.n), exponent: number(.e))
        }
        if kind.utf8.elementsEqual("EC".utf8) {
            guard let name = try string(.crv) else { throw .badMember(.crv) }
            let curve = PublicKey.Curve.allCases.first { $0.rawValue.utf8.elementsEqual(name.utf8) }
            guard let curve else { throw .unknownCurve }
            return try PublicKey(curve, x: bytes(.x), y: bytes(.y))
        }
        if kind.utf8.elementsEqual("OKP".utf8) {
            guard let name = try string(.crv) else { throw .badMember(.crv) }
            guard name.utf8.elementsEqual("Ed25519".utf8) else { throw .unknownCurve }
            return try PublicKey(ed25519: bytes(.x))
        }
        throw .unknownKeyType
    }

    /// A positive number: the one encoding without a leading zero (RFC 7518 section 2, Base64urlUInt).
    private func number(_ member: IgnoredKey.Member) throws(IgnoredKey.Reason) -> [UInt8] {
        let bytes = try bytes(member)
        guard bytes[0] != 0 else { throw .badMember(member) }
        return bytes
    }

    /// At least one byte.
    private func bytes(_ member: IgnoredKey.Member) throws(IgnoredKey.Reason) -> [UInt8] {
        guard let text = try string(member), let bytes = Base64.decode(text, alphabet: .url, padding: false),
            !bytes.isEmpty
        else { throw .badMember(member) }
        return bytes
    }

    private func string(_ member: IgnoredKey.Member) throws(IgnoredKey.Reason) -> String? {
        guard let value = self.member(member) else { return nil }
        guard let text = value.string else { throw .badMember(member) }
        return text
    }

    private func member(_ member: IgnoredKey.Member) -> JSONValue? {
        members[member.rawValue]
    }
}
