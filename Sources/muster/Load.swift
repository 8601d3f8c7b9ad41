import ChatHandlers
import ChatModel
import Glibc
import LoadTest

/// `muster load`: load-tests rooms against a server of its own, or any other.
enum Load: Command {
    static let name = "load"
    static let synopsis = "--rooms R --members M --rate N --duration S [flags]"
    static let summary = "Load-tests rooms, against a server of its own or any other; exits 1 if anything was lost."
    static let positionals = 0...0
    static let options = [
        Option("rooms", "R", "rooms (10)"),
        Option("members", "M", "connections in each room, each of a user of its own (100)"),
        Option("rate", "N", "messages per second in all rooms together, in turn; each reaches M - 1 members (100)"),
        Option("duration", "DURATION", "how long messages are sent (30s)"),
        Option("url", "URL", "ws:// or wss:// of the service; without it a server is started for the test"),
        Option("json", "FILE", "write all figures, with every second, as JSON"),
        Option("html", "FILE", "write a page with charts, in one file"),
        Option("ramp", "DURATION", "time over which the connections are opened (a second for every 1000)"),
        Option("body-size", "BYTES", "size of a message's body, \(Stamp.byteCount) to 16384 (64)"),
        Option("token", "TOKEN", "one token for every connection"),
        Option("tokens", "FILE", "tokens, one per line, taken in turn; of different users for presence to be judged"),
        Option("jwt-secret", "SECRET", "key to mint tokens with; better given as MUSTER_JWT_SECRET"),
        Option("data", "DIR", "folder whose generated secret tokens are minted with (.muster)"),
        Option("tenant", "T", "tenant of minted tokens (load)"),
        Option("tenant-claim", "NAME", "the claim that names the tenant (tenantId)"),
        Option("jwt-issuer", "TEXT", "the iss of minted tokens"),
        Option("jwt-audience", "TEXT", "the aud of minted tokens"),
        Option("room-prefix", "TEXT", "what the rooms' names begin with, before a number (a new one for each run)"),
        Option("timeout", "DURATION", "how long one connection may take to be let in (10s)"),
        Option("drain", "DURATION", "in the end, what has not come after this long without any progress is lost (10s)"),
        Option("unordered", nil, "deliveries out of order are no failure, as on AWS"),
        Option("ca", "FILE", "certificate authorities for wss://, in PEM (CURL_CA_BUNDLE, SSL_CERT_FILE, the system's)"),
        Option("source", "LIST", "local addresses to connect from, separated by commas (on the loopback as many as needed)"),
        Option("threads", "N", "event-loop threads of the server that is started (the processors)"),
    ]

    static func run(_ arguments: Arguments) async throws {
        let settings = try LoadSettings(arguments)
        do throws(LoadError) {
            // All on one thread: a server that was started lives as long as it.
            if try !LoadRun(settings).execute() { exit(1) }
        } catch {
            throw CommandFailure(error.description)
        }
    }
}
