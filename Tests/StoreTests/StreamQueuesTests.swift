import ChatModel
import Testing

@testable import ChatStore

/// Who writes next to a stream: those who came first, whatever became of their first try.
@Suite struct StreamQueuesTests {
    private let queues = StreamQueues()

    private func submission(_ body: String) -> Submission {
        let stream = MessageStream.room(Room(TenantID("acme")!, RoomID("lobby")!))
        let draft = Draft(stream: stream, senderID: UserID("alice")!, body: body, clientMessageID: nil)
        return Submission(draft: draft, messageID: body, sentAt: Timestamp(milliseconds: 1))
    }

    @Test func `those whose writes failed are written before those who came after them`() async {
        #expect(queues.enter("s") == .lead)
        queues.predict("s", 1)
        guard case .follow(2, let second) = queues.enter("s"), case .follow(3, let third) = queues.enter("s") else {
            Issue.record("nobody follows")
            return
        }
        // The second has failed, the answer to the third is still on its way, and a fourth comes.
        queues.void("s")
        let b = Task.immediate { [queues, b = submission("b")] in await queues.fallBack(b, second, "s") }
        guard case .wait(let fourth) = queues.enter("s") else {
            Issue.record("a seq that is void is followed")
            return
        }
        let d = Task.immediate { [queues, d = submission("d")] in await queues.wait(d, fourth, "s") }
        queues.leave("s")
        let c = Task.immediate { [queues, c = submission("c")] in await queues.fallBack(c, third, "s") }

        guard case .lead(let others) = await b.value else {
            Issue.record("the second does not lead")
            return
        }
        #expect(others.map(\.submission.messageID) == ["c", "d"])
        for other in others { other.finish(.failure(.conflict)) }
        _ = (await c.value, await d.value)
        queues.leave("s")
        #expect(!queues.isBusy("s"))
    }

    @Test func `nobody follows a leader that tries again before its first followers have ended`() {
        #expect(queues.enter("s") == .lead)
        queues.predict("s", 1)
        #expect(queues.enter("s") == .follow(2, place: 2))
        queues.void("s")
        queues.predict("s", 5)
        #expect(queues.enter("s") == .wait(place: 3))
        queues.leave("s")
        queues.predict("s", 5)
        #expect(queues.enter("s") == .follow(6, place: 4))
    }
}
