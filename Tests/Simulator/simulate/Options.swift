struct UsageError: Error {
    let message: String
}

/// What the command line asks for.
struct Options {
    enum Task: Equatable {
        case help
        /// One seed, told line by line.
        case replay(UInt64)
        case campaign(Seeds)
    }

    /// Which seeds are tried.
    enum Seeds: Equatable {
        case range(ClosedRange<UInt64>)
        /// Seeds of chance, for so many seconds.
        case random(seconds: Int)
    }

    static let help = """
        usage: simulate [--seeds 1-2000 | --seconds 60 | --seed 42] [--jobs N] [--quiet]

        Runs the whole service from seeds, with everything that can go wrong, and looks for an invariant that does not hold.

          --seeds A-B    tries the seeds from A to B; default 1-1000
          --seconds N    tries random seeds for N seconds, and says where it began
          --seed N       replays one seed and prints what happened
          --jobs N       seeds at once; default: the machine's cores
          --quiet        no progress, only the result

        Exits 0 if all invariants held, 1 at the first that did not, with a line `violation: NAME seed N: …` on stdout, 64 for wrong usage.
        """

    var task = Task.campaign(.range(1...1000))
    var jobs = machineCores
    var isQuiet = false

    init(_ arguments: ArraySlice<String>) throws(UsageError) {
        var rest = arguments
        while let flag = rest.popFirst() {
            switch flag {
            case "-h", "--help": task = .help
            case "--quiet": isQuiet = true
            case "--seed": task = .replay(try Options.number(flag, rest.popFirst()))
            case "--seconds": task = .campaign(.random(seconds: Int(try Options.number(flag, rest.popFirst(), upTo: 1_000_000))))
            case "--jobs":
                jobs = Int(try Options.number(flag, rest.popFirst(), upTo: 1000))
                guard jobs > 0 else { throw UsageError(message: "--jobs needs a number from 1") }
            case "--seeds":
                let ends = (rest.popFirst() ?? "").split(separator: "-")
                guard ends.count == 2, let first = UInt64(ends[0]), let last = UInt64(ends[1]), first <= last, last < .max else {
                    throw UsageError(message: "--seeds needs a first and a last seed: --seeds 1-2000")
                }
                task = .campaign(.range(first...last))
            default: throw UsageError(message: "there is no \(flag); see --help")
            }
        }
    }

    private static func number(_ flag: String, _ text: String?, upTo most: UInt64 = .max) throws(UsageError) -> UInt64 {
        guard let text, let number = UInt64(text), number <= most else { throw UsageError(message: "\(flag) needs a whole number") }
        return number
    }
}
