import ChatHandlers
import ChatModel
import ChatStore

extension World {
    /// Milliseconds between two sweeps: the schedule's, and the server's own.
    var sweepInterval: Int { scenario.engine == .functions ? 60_000 : 5000 }

    /// How late a leave may be, in milliseconds after the lease.
    var ghostBound: Int64 {
        (scenario.engine == .functions ? Limits.ghostBoundAWS : Limits.ghostBoundLocal).milliseconds
    }

    /// A run: operations with everything that goes wrong, then calm until all is settled, then everyone goes.
    func play(_ workload: Workload) async {
        await begin()
        await workload.run()
        isCalm = true
        trace.note { "--- nothing goes wrong any more" }
        for device in workload.devices { device.beats = true }
        await drain()
        // Whoever lost something asks again, what a crash left is found, and tokens that are short are over.
        await pass(scenario.settings.presenceTTL.milliseconds + ghostBound + 5000)
        await drain()
        if !witness.isBroken { witness.judgeAtRest(workload.devices, memory.allItems()) }
        trace.note { "--- everyone goes" }
        for device in workload.devices { device.sleep(silently: device.name.hasSuffix("1") || device.name.hasSuffix("4")) }
        await pass(scenario.settings.presenceTTL.milliseconds + ghostBound + 5000)
        await drain()
        if !witness.isBroken { witness.judgeWhenEmpty(memory.allItems()) }
        executor.stop()
    }

    private func begin() async {
        let repository = ChatRepository(table: memory, settings: scenario.settings)
        try? await repository.setSweptMinute(Keys.minute(of: now()) - 2)
        if scenario.engine == .server {
            functions.startServer()
            crashSometimes()
        }
        sweepAgain()
        watchAgain()
        expireAgain()
    }

    /// Lets time pass, unless something is found.
    private func pass(_ milliseconds: Int64) async {
        var left = milliseconds
        while left > 0, !witness.isBroken {
            await executor.sleep(10_000)
            left -= 10_000
        }
    }

    /// Waits until no event is in hand.
    private func drain() async {
        var waited = 0
        while !functions.inHand.isEmpty, !witness.isBroken {
            await executor.sleep(500)
            waited += 500
            if waited > 120_000 {
                return witness.fail(.neverStuck, "after two minutes of calm there is still \(functions.inHand.map(\.name))")
            }
        }
    }

    private func sweepAgain() {
        // Schedules are not on the second.
        executor.after(sweepInterval + (scenario.engine == .functions ? chanceOfFault(below: 3000) : 0)) { [self] in
            // Most rounds would find nothing to do, and playing them would take half of the run.
            if witness.isAnythingDue || chanceOfFault(below: 20) == 0 { sweep() }
            functions.server?.tidy()
            sweepAgain()
        }
    }

    private func sweep() {
        for meeting in atSweep { executor.after(chanceOfFault(below: 80)) { meeting() } }
        atSweep = []
        functions.invoke("Cleanup", .schedule) { instance in
            (try await Cleanup(instance.services).handle(Array("{}".utf8)), 200, nil)
        } done: { [self] invocation, outcome in
            witness.swept(invocation, isDone: outcome != nil)
        } over: { [self] in witness.finished(nil, $0) }
    }

    private func watchAgain() {
        executor.after(5000) { [self] in
            witness.look()
            watchAgain()
        }
    }

    private func expireAgain() {
        executor.after(10_000 + chanceOfFault(below: 40_000)) { [self] in
            stream.round()
            expireAgain()
        }
    }

    private func crashSometimes() {
        executor.after(1000) { [self] in
            if strikes(\.crashes), let server = functions.server, !server.isDown { server.crash() }
            crashSometimes()
        }
    }
}
