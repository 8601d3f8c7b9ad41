import ChatHandlers
import ChatModel
import Tokens

/// `muster token`: prints one JWT, nothing else.
enum Token: Command {
    static let name = "token"
    static let synopsis = "--user U --tenant T [flags]"
    static let summary = "Prints one JWT, signed with MUSTER_JWT_SECRET or the data folder's dev-secret."
    static let positionals = 0...0
    static let options = [
        Option("user", "U", "user id, 1 to 256 bytes"),
        Option("tenant", "T", "tenant id: letters, digits and . _ : @ -"),
        Option("rooms", "LIST", "rooms allowed, separated by commas; a trailing * allows a prefix (all)"),
        Option("role", "ROLE", "a role; admin may send to everyone"),
        Option("expires", "DURATION", "how long it is valid (1h)"),
        Option("data", "DIR", "folder with the generated secret (.muster)"),
        Option("jwt-secret", "SECRET", "HMAC key; better given as MUSTER_JWT_SECRET"),
        Option("jwt-issuer", "TEXT", "the iss to write"),
        Option("jwt-audience", "TEXT", "the aud to write"),
        Option("tenant-claim", "NAME", "the claim that names the tenant (tenantId)"),
    ]

    static func run(_ arguments: Arguments) async throws {
        guard let user = arguments.text("MUSTER_USER") else { throw UsageError("--user is missing") }
        guard let tenant = arguments.text("MUSTER_TENANT") else { throw UsageError("--tenant is missing") }
        guard UserID(user) != nil else {
            throw UsageError("\(arguments.name(of: "MUSTER_USER")) is 1 to 256 bytes without control characters")
        }
        guard TenantID(tenant) != nil else {
            throw UsageError("\(arguments.name(of: "MUSTER_TENANT")) is 1 to 128 of the characters A-Z a-z 0-9 . _ : @ -")
        }
        let (environment, lifetime): (ServiceEnvironment, Seconds)
        do throws(SettingError) {
            environment = try ServiceEnvironment(arguments.variables)
            lifetime = try VariableReader(arguments.variables).seconds("MUSTER_EXPIRES", 1...3_155_760_000) ?? 3600
        } catch {
            throw arguments.explain(error.description)
        }
        guard let secret = try environment.secret ?? arguments.generatedSecret() else {
            throw CommandFailure(
                "no secret: set MUSTER_JWT_SECRET, or run muster serve with --data \(arguments.dataFolder) first")
        }
        var token = NewToken(user: user, tenant: tenant, expiresIn: lifetime.count)
        token.rooms = arguments.text("MUSTER_ROOMS")?.split(separator: ",").map(String.init)
        token.roles = arguments.text("MUSTER_ROLE").map { [$0] } ?? []
        token.issuer = environment.rules.issuer
        token.audience = environment.rules.audience
        let minter = try arguments.minter(secret, for: environment)
        Output.write(minter.mint(token, now: SystemClock().now().milliseconds) + "\n")
    }
}
