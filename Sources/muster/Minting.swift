import ChatHandlers
import LocalServer
import Tokens

/// What commands that mint tokens share.
extension Arguments {
    /// The data folder whose generated secret stands in for a configured one.
    var dataFolder: String { text("MUSTER_DATA") ?? ".muster" }

    /// The secret that a server in the data folder generated; nil if there is none.
    func generatedSecret() throws -> String? {
        do throws(ServerError) {
            return try DataFolder.secret(in: dataFolder)
        } catch {
            throw CommandFailure(error.description)
        }
    }

    func minter(_ secret: String, for service: ServiceEnvironment) throws -> TokenMinter {
        do throws(KeyError) {
            return try TokenMinter(secret: Array(secret.utf8), tenantClaim: service.rules.tenantClaim)
        } catch {
            throw UsageError("\(name(of: "MUSTER_JWT_SECRET")) is too short: give at least \(TokenKey.minSecretBytes) bytes")
        }
    }
}
