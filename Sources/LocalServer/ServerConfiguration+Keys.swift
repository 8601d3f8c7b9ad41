import ChatHandlers
import ChatModel
import KeySources

extension ServerConfiguration {
    /// Who judges tokens, with the key set that is there now.
    ///
    /// A file that cannot be used keeps the server from starting: whoever starts it can correct that. A URL may be reached later,
    /// so the log says why it is not, and the first connection tries again.
    func verifier() async throws(ServerError) -> (any TokenJudge)? {
        let (source, verifier): ((any KeySource)?, (any TokenJudge)?)
        do throws(SettingError) {
            source = try environment.keySource()
            verifier = try environment.verifier(source, log: log)
        } catch {
            throw ServerError(error.description)
        }
        do throws(KeySetFailure) {
            try await verifier?.load(at: SystemClock().now())
        } catch {
            if case .file(let path) = environment.keySet {
                throw ServerError("cannot use the key set \(path): \(error.logReason); correct it, or --jwks (MUSTER_JWKS)")
            }
            log.warning("key set not fetched", ["source": source?.name, "reason": error.logReason])
        }
        return verifier
    }
}
