import ChatHandlers
import ChatModel
import ChatStore
import Logs
import SQLiteTable

/// What can be done in a data folder whose server does not run.
public enum StoppedServer {
    /// Removes a user: tokens issued until now are refused by the next server too, and connections that the last run left end now.
    ///
    /// The folder is this process's meanwhile, and no longer while it waits for the second to be over.
    /// - Returns: nil if a server has the folder.
    public static func kick(_ user: User, in path: String, log: Log) async throws(ServerError) -> KickReport? {
        guard let folder = try DataFolder(ifFree: path) else { return nil }
        do {
            let kick: Kick, report: KickReport
            do {
                let table = try SQLiteTable(path: folder.databasePath)
                defer {
                    table.close()
                    folder.release()
                }
                // Whatever sockets there were went with their server.
                kick = Kick(
                    ChatServices(
                        table: table, poster: LocalPoster(), verifier: nil, settings: Settings(), marksPresence: false, log: log))
                report = try await kick.run(user)
            }
            try await kick.settle(report)
            return report
        } catch KickError.engine(let error) {
            throw ServerError(describing: error)
        } catch {
            throw ServerError(describing: error)
        }
    }
}
