import Glibc

/// `muster`: finds the command, runs it, and turns what it throws into one line and an exit code.
let words = Array(CommandLine.arguments.dropFirst())
catchStopSignals()
do {
    guard let name = words.first else { throw UsageError("no command; 'muster --help' lists them") }
    if name == "-h" || name == "--help" || name == "help" {
        Output.write(usage)
        exit(0)
    }
    guard let command = commands.first(where: { $0.name == name }) else {
        throw UsageError("unknown command '\(name)'; 'muster --help' lists them")
    }
    let arguments = try Arguments(
        Array(words.dropFirst()), options: command.options, positionals: command.positionals,
        missing: String(command.synopsis.prefix { $0 != " " }), environment: processEnvironment())
    if arguments.wantsHelp {
        Output.write(command.usage)
        exit(0)
    }
    try await command.run(arguments)
    exit(0)
} catch let error as UsageError {
    Output.fail(error.message, code: 64)
} catch let error as CommandFailure {
    Output.fail(error.message, code: 1)
} catch {
    Output.fail("\(error)", code: 1)
}
