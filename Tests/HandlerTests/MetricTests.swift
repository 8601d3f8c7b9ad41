import Metrics
import Testing

@Suite struct MetricTests {
    @Test func `what happens is counted once`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        let bob = await service.connect("bob")
        await alice.join("lobby")
        await bob.join("lobby")
        #expect(counted(service) == [.connectionsOpened: 2, .presencePublished: 2])
        _ = await alice.say("hi", in: "lobby", #","clientMessageId":"1""#)
        _ = await alice.say("hi", in: "lobby", #","clientMessageId":"1""#)
        _ = await alice.say("hi", in: "nowhere")
        #expect(counted(service) == [.messagesStored: 1, .framesRefused: 1])
        _ = await bob.disconnect()
        _ = await bob.disconnect()
        #expect(counted(service) == [.connectionsEnded: 1, .presencePublished: 1])
    }

    @Test func `a sweep says how far back it begins`() async throws {
        let service = try Service()
        _ = try await service.sweep()
        _ = counted(service)
        service.advance(180)
        _ = try await service.sweep()
        // Two minutes are looked at anew in every round.
        #expect(counted(service) == [.sweepLag: 300])
    }

    private func counted(_ service: Service) -> [Metric: Int64] {
        Dictionary(uniqueKeysWithValues: service.metrics.take().map { ($0.metric, $0.value) })
    }
}
