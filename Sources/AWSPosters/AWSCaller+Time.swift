import AWSClient

extension AWSCaller {
    /// Sends a request that may take so long, tries and all, or what is left until the current deadline if that is less.
    func send(_ request: AWSRequest, within time: Duration) async -> Result<AWSResponse, AWSError> {
        let own = ContinuousClock.now + time
        return await AWSDeadline.$current.withValue(AWSDeadline.current.map { min($0, own) } ?? own) {
            do throws(AWSError) {
                return .success(try await send(request))
            } catch {
                return .failure(error)
            }
        }
    }
}
