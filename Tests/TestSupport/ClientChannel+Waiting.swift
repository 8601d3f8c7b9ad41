import HTTPCodec

/// Waiting for what the shared thread decodes. Continuations are resumed outside the lock.
extension ClientChannel {
    func handshake(timeout: Duration) async throws(Failure) -> HTTPResponseHead {
        if state.withLock({ $0.handshake }) == nil {
            let outcome = await wait(timeout) { state, waiter in
                guard state.handshake == nil else { return .eof }
                state.handshakeWaiter = waiter
                return nil
            }
            if case .failure(let failure) = outcome { throw failure }
        }
        return try state.withLock { $0.handshake }!.get()
    }

    func receive(timeout: Duration) async throws(Failure) -> Event {
        if let event = state.withLock({ Self.next(&$0) }) { return event }
        return try await wait(timeout) { state, waiter in
            if let event = Self.next(&state) { return event }
            state.waiters.append(waiter)
            return nil
        }.get()
    }

    /// Waits until resumed or until the time is up, unless `enter` has an event at once.
    private func wait(
        _ timeout: Duration, _ enter: @Sendable (inout State, Waiter) -> Event?
    ) async -> Result<Event, Failure> {
        await withCheckedContinuation { continuation in
            let early = state.withLock { state -> Event? in
                state.waiterCount += 1
                let id = state.waiterCount
                let timer = Task {
                    guard (try? await Task.sleep(for: timeout)) != nil else { return }
                    self.expire(id)
                }
                let event = enter(&state, Waiter(id: id, continuation: continuation, timer: timer))
                if event != nil { timer.cancel() }
                return event
            }
            if let early { continuation.resume(returning: .success(early)) }
        }
    }

    private func expire(_ id: Int) {
        let waiter = state.withLock { state -> Waiter? in
            if state.handshakeWaiter?.id == id {
                defer { state.handshakeWaiter = nil }
                return state.handshakeWaiter
            }
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(returning: .failure(.timedOut))
    }

    private static func next(_ state: inout State) -> Event? {
        if !state.events.isEmpty { return state.events.removeFirst() }
        if case .ended = state.phase { return .eof }
        return nil
    }

    /// Matches what has happened with who waits for it; the caller runs the result outside the lock.
    func deliver(_ state: inout State) -> [@Sendable () -> Void] {
        var resumptions: [@Sendable () -> Void] = []
        if state.handshake != nil, let waiter = state.handshakeWaiter {
            state.handshakeWaiter = nil
            resumptions.append {
                waiter.timer.cancel()
                waiter.continuation.resume(returning: .success(.eof))
            }
        }
        while let waiter = state.waiters.first, let event = Self.next(&state) {
            state.waiters.removeFirst()
            resumptions.append {
                waiter.timer.cancel()
                waiter.continuation.resume(returning: .success(event))
            }
        }
        return resumptions
    }
}
