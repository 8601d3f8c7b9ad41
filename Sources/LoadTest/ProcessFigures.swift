import Glibc

/// What the kernel says of a process.
public struct ProcessFigures: Sendable, Equatable {
    /// Seconds of processor time, user and system.
    public var processor = 0.0
    /// Bytes in memory now, and at most so far.
    public var resident = 0
    public var peak = 0

    /// Nil when the process is no more.
    public init?(of pid: Int32) {
        guard let stat = TextFile.read("/proc/\(pid)/stat"), let status = TextFile.read("/proc/\(pid)/status"),
            let end = stat.lastIndex(of: ")")
        else { return nil }
        // proc(5): utime and stime are fields 14 and 15; the name may hold spaces and comes in parentheses.
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        processor = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        func kilobytes(_ name: String) -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
            return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
        }
        resident = kilobytes("VmRSS:")
        peak = kilobytes("VmHWM:")
    }
}

/// A small file, whole.
public enum TextFile {
    /// Nil if it cannot be read.
    public static func read(_ path: String) -> String? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { _ = close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe Glibc.read(file, &part, part.count)
            if count < 0 { return nil }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += part[..<count]
        }
    }
}
