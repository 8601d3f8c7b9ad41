import ChatModel

/// Whose tokens are refused, as the write that refused them left it.
public struct TokenRefusal: Equatable, Sendable {
    /// The last second, since the epoch, whose tokens are refused.
    public var until: Int64
    /// Every connection that was opened by one of them and has not ended; and perhaps others.
    public var connections: [ConnectionID]
}

extension ChatRepository {
    /// Refuses for ever every token of a user that was issued in this second or before.
    ///
    /// Access pattern: kick. Writes one item. A connect is either before this write, and among the connections returned, or
    /// behind it, and refused by its transaction. A refusal that reaches further stays.
    public func refuse(_ user: User, tokensIssuedBy second: Int64) async throws(TableError) -> TokenRefusal {
        let reachesFurther = Condition.any([.absent(refusedUntil), .atMost(refusedUntil, second)])
        let update = Update(
            Keys.user(user),
            [
                .set(refusedUntil, .number(second)), .set("v", formatVersion),
                .set("tenantId", .string(user.tenantID.text)), .set("userId", .string(user.id.text)),
            ], if: reachesFurther)
        let stored: Item?
        do throws(TableError) {
            stored = try await table.update(update, returning: .after)
        } catch .conditionFailed(let item) {
            stored = item
        }
        return TokenRefusal(
            until: stored?.number(refusedUntil) ?? second,
            connections: (stored?.strings("connections") ?? []).compactMap(ConnectionID.init).sorted())
    }

    /// Whether a token of a user is refused, by the user's item as it was read: that of a connection opened since is there.
    /// - Parameter issuedAt: seconds since the epoch; nil, for a token that does not say, counts as before any refusal.
    public func refuses(_ user: User, tokenIssuedAt issuedAt: Int64?, by items: ReadItems) -> Bool {
        !Condition.accepts(tokenIssuedAt: issuedAt).holds(for: items[Keys.user(user)])
    }
}

/// The attribute of a user's item. An item that has it is never deleted: no token has to end.
let refusedUntil = "refusedUntil"

extension Condition {
    /// A user's item, or none, that does not refuse a token issued in this second.
    static func accepts(tokenIssuedAt second: Int64?) -> Condition {
        guard let second else { return .absent(refusedUntil) }
        return .any([.absent(refusedUntil), .atMost(refusedUntil, second - 1)])
    }
}
