/// One flag of a command. Its environment variable follows from its name: `--send-queue` is `MUSTER_SEND_QUEUE`.
struct Option: Sendable {
    let name: String
    /// What stands for the value in the usage; nil for a flag without one.
    let value: String?
    let help: String

    init(_ name: String, _ value: String? = nil, _ help: String) {
        self.name = name
        self.value = value
        self.help = help
    }

    var variable: String { "MUSTER_" + name.uppercased().replacing("-", with: "_") }
    var spelling: String { "--\(name)" + (value.map { " \($0)" } ?? "") }
}

/// A command line that cannot be understood: exit code 64.
struct UsageError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// A command that was understood and failed: exit code 1.
struct CommandFailure: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// What a command was given: flags before environment before defaults, all under the names of the environment variables.
struct Arguments: Sendable {
    private(set) var positional: [String] = []
    private(set) var variables: [String: String]
    private(set) var wantsHelp = false
    /// Variables that a flag set, with the flag's spelling, so that an error names what the user wrote.
    private var flags: [String: String] = [:]

    init(
        _ words: [String], options: [Option], positionals: ClosedRange<Int>, missing: String = "",
        environment: [String: String]
    ) throws(UsageError) {
        variables = environment.filter { $0.key.hasPrefix("MUSTER_") }
        var rest = words[...]
        var onlyPositional = false
        while let word = rest.popFirst() {
            if onlyPositional || !word.hasPrefix("-") || word == "-" {
                positional.append(word)
            } else if word == "--" {
                onlyPositional = true
            } else if word == "-h" || word == "--help" {
                wantsHelp = true
            } else {
                try take(word, &rest, options)
            }
        }
        if wantsHelp { return }
        if positional.count > positionals.upperBound {
            // Not which: it may be a secret whose flag was forgotten.
            throw UsageError("\(positional.count) arguments besides flags, \(positionals.upperBound) at most")
        }
        if positional.count < positionals.lowerBound { throw UsageError("\(missing) is missing") }
    }

    private mutating func take(
        _ word: String, _ rest: inout ArraySlice<String>, _ options: [Option]
    ) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard word.hasPrefix("--"), let option = options.first(where: { "--\($0.name)" == parts[0] }) else {
            throw UsageError("unknown flag '\(parts[0])'")
        }
        if option.value == nil {
            guard parts.count == 1 else { throw UsageError("\(parts[0]) takes no value") }
            variables[option.variable] = "true"
        } else if parts.count == 2 {
            variables[option.variable] = parts[1]
        } else {
            guard let value = rest.popFirst() else { throw UsageError("\(parts[0]) needs a value") }
            variables[option.variable] = value
        }
        if option.value != nil, variables[option.variable]?.isEmpty == true { throw UsageError("\(parts[0]) needs a value") }
        flags[option.variable] = parts[0]
    }

    func text(_ variable: String) -> String? { variables[variable].flatMap { $0.isEmpty ? nil : $0 } }

    func isOn(_ variable: String) throws(UsageError) -> Bool {
        switch text(variable)?.lowercased() {
        case nil, "0", "false", "no": return false
        case "1", "true", "yes": return true
        default: throw UsageError("\(name(of: variable)) is true or false")
        }
    }

    /// How the user gave a setting: by flag or by environment.
    func name(of variable: String) -> String { flags[variable] ?? variable }

    /// Whether the value comes from a flag, and not from the environment.
    func isFlag(_ variable: String) -> Bool { flags[variable] != nil }

    /// A setting's error with the name the user wrote.
    func explain(_ message: String) -> UsageError {
        let variable = String(message.prefix { $0 != " " })
        guard let flag = flags[variable] else { return UsageError(message) }
        return UsageError(flag + message.dropFirst(variable.count))
    }
}
