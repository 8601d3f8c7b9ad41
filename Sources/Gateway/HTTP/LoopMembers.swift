/// A connection that ends in its own way when its server stops.
protocol LoopMember: AnyObject {
    /// Called on the loop's thread.
    func shutDown()
}

/// The live connections of one server on one loop.
///
/// `@unchecked`: confined to the loop's thread.
final class LoopMembers: @unchecked Sendable {
    let loop: EventLoop
    var requestIDs = RequestIdentifiers()
    private var members: [ObjectIdentifier: any LoopMember] = [:]
    private var isShutDown = false

    init(_ loop: EventLoop) { self.loop = loop }

    func insert(_ member: any LoopMember) {
        loop.assertCurrent()
        members[ObjectIdentifier(member)] = member
        // A connection that was on its way from the listener when the server stopped.
        if isShutDown { loop.execute { [weak self] in self?.shutDown() } }
    }

    func remove(_ member: any LoopMember) {
        loop.assertCurrent()
        members[ObjectIdentifier(member)] = nil
    }

    func shutDown() {
        isShutDown = true
        for member in Array(members.values) { member.shutDown() }
    }
}
