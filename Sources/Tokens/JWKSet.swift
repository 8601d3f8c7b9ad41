import JSONCoding

/// The keys of a JSON Web Key Set (RFC 7517 section 5), such as an issuer publishes.
///
/// A key that cannot or must not be used is left out with a reason, and the others stay; of several with one `kid` all
/// are kept. Keys should have a `kid`: for a token without one only the first few are tried
/// (`TokenVerifier.maxPublicKeyChecks`).
public struct JWKSet: Sendable {
    /// The longest document that is read, in bytes.
    public static let maxBytes = 256 * 1024
    /// The most keys of a set, those included that are ignored.
    public static let maxKeys = 100

    /// The keys that can be used, in the order of the set.
    public let keys: [TokenKey]
    /// The keys that are not, in the order of the set.
    public let ignored: [IgnoredKey]

    /// Reads a document in UTF-8. Shared secrets are taken only with `allowsSecrets`, which is for documents that
    /// nobody else can read: a file, never a URL.
    ///
    /// Costs some milliseconds for the largest set. Throws `notAKeySet`, `setTooLong` or `tooManyKeys`.
    public init(parsing bytes: [UInt8], allowsSecrets: Bool = false) throws(KeyError) {
        guard bytes.count <= Self.maxBytes else { throw .setTooLong(bytes: bytes.count) }
        let elements = try Self.elements(bytes)
        guard elements.count <= Self.maxKeys else { throw .tooManyKeys(count: elements.count) }
        var keys: [TokenKey] = []
        var ignored: [IgnoredKey] = []
        for (index, element) in elements.enumerated() {
            do throws(IgnoredKey.Reason) {
                guard let members = element.object else { throw .notAnObject }
                keys.append(try JWKReader(members: members, allowsSecrets: allowsSecrets).read())
            } catch {
                ignored.append(IgnoredKey(index: index, id: element.object?["kid"]?.string, reason: error))
            }
        }
        (self.keys, self.ignored) = (keys, ignored)
    }

    private static func elements(_ bytes: [UInt8]) throws(KeyError) -> [JSONValue] {
        let document: JSONValue
        do {
            document = try JSONParser.parse(bytes, duplicates: .refuse)
        } catch {
            throw .notAKeySet
        }
        guard let elements = document.object?["keys"]?.array else { throw .notAKeySet }
        return elements
    }
}
