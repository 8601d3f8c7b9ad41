/// The keys a service trusts; several secrets allow one to be replaced while tokens of the old one live.
public struct KeySet: Sendable {
    public let keys: [TokenKey]

    public init(_ keys: [TokenKey]) {
        self.keys = keys
    }

    /// The keys that a token with this `kid` may have been signed with: those of this very id first, then those
    /// without one, which are for every `kid`; all keys for a token without it. `isKnown` says whether there is a key of
    /// this id, or any key at all for a token without one.
    func candidates(for id: String?) -> (keys: [TokenKey], isKnown: Bool) {
        guard let id else { return (keys, !keys.isEmpty) }
        let named = keys.filter { $0.id?.utf8.elementsEqual(id.utf8) == true }
        return (named + keys.filter { $0.id == nil }, !named.isEmpty)
    }
}
