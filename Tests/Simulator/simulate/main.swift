import Glibc
import Logs
import Simulation

// Sets and dictionaries have an order of their own in every process, unless this is set when it starts.
if unsafe getenv("SWIFT_DETERMINISTIC_HASHING") == nil {
    unsafe setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
    unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
    fail("cannot start anew with SWIFT_DETERMINISTIC_HASHING=1", code: 1)
}

func fail(_ message: String, code: Int32) -> Never {
    Log.standardError(Array("simulate: \(message)\n".utf8))
    exit(code)
}

let options: Options
do throws(UsageError) {
    options = try Options(CommandLine.arguments.dropFirst())
} catch {
    fail(error.message, code: 64)
}

switch options.task {
case .help: print(Options.help)
case .replay(let seed): exit(Replay(seed: seed).run())
case .campaign(let seeds): exit(Campaign(seeds, jobs: options.jobs, isQuiet: options.isQuiet).run())
}
