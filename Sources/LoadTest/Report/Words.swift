/// Numbers as people read them.
enum Words {
    /// Nanoseconds in the unit that fits, with three significant digits.
    static func duration(_ nanoseconds: Int64) -> String {
        switch nanoseconds {
        case ..<1_000: "\(nanoseconds) ns"
        case ..<1_000_000: significant(Double(nanoseconds) / 1e3) + " µs"
        case ..<1_000_000_000: significant(Double(nanoseconds) / 1e6) + " ms"
        default: significant(Double(nanoseconds) / 1e9) + " s"
        }
    }

    /// With a comma after every three digits.
    static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return value < 0 ? "-" + text : text
    }

    static func count(_ value: Double) -> String { count(Int(value.rounded())) }

    static func bytes(_ value: Int) -> String {
        switch value {
        case ..<1024: "\(value) B"
        case ..<(1 << 20): significant(Double(value) / 1024) + " KB"
        case ..<(1 << 30): significant(Double(value) / Double(1 << 20)) + " MB"
        default: significant(Double(value) / Double(1 << 30)) + " GB"
        }
    }

    /// Three significant digits, and no more than two decimals.
    static func significant(_ value: Double) -> String {
        fixed(value, abs(value) < 9.995 ? 2 : abs(value) < 99.95 ? 1 : 0)
    }

    /// With so many decimals.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return "0" }
        let scale = (0..<decimals).reduce(1) { result, _ in result * 10 }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(scaled) }
        let rest = String(scaled % scale)
        return sign + String(scaled / scale) + "." + String(repeating: "0", count: decimals - rest.count) + rest
    }

    static func percent(_ share: Double) -> String { significant(share * 100) + " %" }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    func aligned(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
