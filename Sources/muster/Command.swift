/// One of `muster`'s commands.
protocol Command: Sendable {
    static var name: String { get }
    /// What follows the name in the usage line.
    static var synopsis: String { get }
    static var summary: String { get }
    static var options: [Option] { get }
    static var positionals: ClosedRange<Int> { get }
    static func run(_ arguments: Arguments) async throws
}

extension Command {
    static var usage: String {
        let width = options.map(\.spelling.count).max() ?? 0
        var text = "\(summary)\n\nusage: muster \(name) \(synopsis)\n"
        if !options.isEmpty { text += "\n" }
        for option in options {
            let padding = String(repeating: " ", count: width - option.spelling.count)
            text += "  \(option.spelling)\(padding)  \(option.help)\n"
        }
        return text + "\nEvery flag has an environment variable: --log-level is MUSTER_LOG_LEVEL. Durations are seconds, or a number with s, m or h.\n"
    }
}

let commands: [any Command.Type] = [Serve.self, Token.self, OnlineNow.self, KickUser.self, Load.self, Echo.self]

var usage: String {
    var text = "Muster: real-time chat with rooms and presence.\n\nusage: muster COMMAND [flags]\n\n"
    for command in commands {
        let padding = String(repeating: " ", count: 8 - command.name.count)
        text += "  \(command.name)\(padding)\(command.summary)\n"
    }
    return text + "\n'muster COMMAND --help' tells more.\n"
}
