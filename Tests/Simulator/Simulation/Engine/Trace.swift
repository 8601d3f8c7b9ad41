/// What happened in a run, line by line, for a person to read. Off while seeds are only tried: then it costs a comparison.
final class Trace {
    let isOn: Bool
    private(set) var lines: [String] = []
    private let now: () -> Int64

    init(isOn: Bool, now: @escaping () -> Int64) {
        self.isOn = isOn
        self.now = now
    }

    func note(_ line: () -> String) {
        guard isOn else { return }
        lines.append("\(Trace.text(of: now()))  \(line())")
    }

    /// Seconds with milliseconds.
    static func text(of milliseconds: Int64) -> String {
        let rest = String(milliseconds % 1000)
        let seconds = String(milliseconds / 1000)
        return String(repeating: " ", count: max(0, 5 - seconds.utf8.count)) + seconds + "."
            + String(repeating: "0", count: 3 - rest.utf8.count) + rest
    }
}
