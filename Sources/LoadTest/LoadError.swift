/// Why a load test cannot begin or go on; each is one line that says what to do.
public enum LoadError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidURL(String)
    /// No address of the host accepts a connection.
    case unreachable(url: String, reason: String)
    /// The first connection was not let in.
    case refused(url: String, reason: String)
    case tooFewDescriptors(needed: Int, limit: Int)
    case noLibcurl(String)
    case unwritable(path: String, reason: String)
    case invalidSource(String)
    case ownServer(String)
    case system(call: String, reason: String)

    public var description: String {
        switch self {
        case .invalidURL(let url): "'\(url)' is no WebSocket URL: give ws://HOST:PORT/ or wss://HOST/"
        case .unreachable(let url, let reason): "cannot connect to \(url): \(reason)"
        case .refused(let url, let reason): "\(url) does not let a client in: \(reason)"
        case .tooFewDescriptors(let needed, let limit):
            "\(needed) file descriptors are needed and the hard limit is \(limit): raise it (ulimit -Hn \(needed)) or open fewer connections"
        case .noLibcurl(let reason): "wss:// needs libcurl (Debian: apt-get install libcurl4): \(reason)"
        case .unwritable(let path, let reason): "cannot write \(path): \(reason)"
        case .invalidSource(let address): "'\(address)' is no address of this machine: give --source addresses that it has"
        case .ownServer(let reason): "cannot start a server to test: \(reason)"
        case .system(let call, let reason): "\(call): \(reason)"
        }
    }
}
