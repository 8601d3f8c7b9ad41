import ChatModel
import ChatStore

extension Witness {
    /// A user's item changed: what it refuses is never taken back.
    func refused(_ partition: String, _ change: ItemChange) {
        let (before, now) = (refusals[partition], change.new?.number("refusedUntil"))
        if let before, now.map({ $0 < before }) ?? true {
            fail(.kickedStaysOut, "\(partition) refused tokens up to \(before), and now \(now.map { "up to \($0)" } ?? "none")")
        }
        refusals[partition] = now ?? before
        if now != before, let invocation = touched.invocation { refusalOrders[invocation.number] = order }
    }

    /// Whether a token of this device's user, issued in this second, is refused by now.
    func isRefused(_ device: Device, _ issuedAt: Int64) -> Bool { isRefused(device.tenant, device.user, issuedAt) }

    /// Whether the token is refused that a connection was opened by.
    func isRefused(_ truth: ConnectionTruth) -> Bool {
        guard let issuedAt = socket(truth.id)?.tokenIssuedAt else { return false }
        return isRefused(truth.tenant, truth.user, issuedAt)
    }

    private func isRefused(_ tenant: String, _ user: String, _ issuedAt: Int64) -> Bool {
        guard let tenant = TenantID(tenant), let id = UserID(user), let until = refusals[Keys.user(User(tenant, id)).pk] else { return false }
        return issuedAt <= until
    }

    /// A kick was answered.
    /// - Parameter leaving: sockets that were open before it began, and still are.
    func kicked(_ tenant: String, _ user: String, isDone: Bool, leaving: [Socket], _ invocation: Invocation) {
        guard !isBroken else { return }
        guard isDone else { return mustHaveSuffered(invocation, "a kick fails") }
        // One that was let in since may be another kick's to end.
        let refusal = refusalOrders[invocation.number] ?? invocation.startOrder
        for truth in connections.values.sorted(by: { $0.id < $1.id })
        where truth.tenant == tenant && truth.user == user && truth.openedOrder <= refusal {
            if truth.ended == nil, !truth.isDeleted, isRefused(truth) {
                fail(.kickedStaysOut, "\(truth.id) is connected after the kick, by a token of before")
            }
            if truth.ended != nil, truth.endedOrder ?? 0 > invocation.startOrder, isRefused(truth), !truth.rooms.isEmpty {
                fail(.kickedStaysOut, "\(truth.id) is still in \(truth.rooms.sorted()) after the kick that ended it")
            }
        }
        for socket in leaving { fail(.kickedStaysOut, "the socket of \(socket.id) is open after the kick") }
    }
}
