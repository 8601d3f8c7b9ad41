/// A line chart as inline SVG, drawn without a script: axes with units, a grid, and the values as tooltips.
///
/// Colours come from the page by class, so that it is readable in light and dark.
struct Chart {
    struct Line {
        /// Names the colour: `a`, `b` or `c`.
        let tone: String
        let name: String
        let points: [(x: Double, y: Double)]
        var isArea = false
    }

    struct Axis {
        let title: String
        let ticks: [(value: Double, label: String)]
        let range: ClosedRange<Double>
        var isLogarithmic = false

        /// Where a value is, 0...1.
        func place(_ value: Double) -> Double {
            guard isLogarithmic else { return (value - range.lowerBound) / (range.upperBound - range.lowerBound) }
            return Self.share(max(value, range.lowerBound), of: range)
        }

        private static func share(_ value: Double, of range: ClosedRange<Double>) -> Double {
            logarithm(value / range.lowerBound) / logarithm(range.upperBound / range.lowerBound)
        }
    }

    let title: String
    let x: Axis
    let y: Axis
    let lines: [Line]
    /// As wide as the page, instead of one of two beside each other.
    var isWide = false

    // About the pixels of a large screen, so that the text has its own size.
    private var width: Double { isWide ? 1120 : 540 }
    private static let height = 250.0
    private static let left = 84.0
    private static let right = 24.0
    private static let top = 10.0
    private static let bottom = 46.0

    func svg() -> String {
        var svg = "<figure\(isWide ? " class=\"wide\"" : "")><figcaption><span>\(escaped(title))</span><span class=\"legend\">"
        for line in lines { svg += "<span class=\"key \(line.tone)\"></span>\(escaped(line.name))" }
        svg += "</span></figcaption>\n<svg viewBox=\"0 0 \(Int(width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(escaped(title))\">\n"
        svg += grid()
        for line in lines { svg += path(line) }
        return svg + "</svg></figure>\n"
    }

    private func horizontal(_ value: Double) -> Double {
        Self.left + x.place(value) * (width - Self.left - Self.right)
    }

    private func vertical(_ value: Double) -> Double {
        Self.height - Self.bottom - y.place(value) * (Self.height - Self.top - Self.bottom)
    }

    private func grid() -> String {
        let floor = Self.height - Self.bottom
        var svg = ""
        for tick in y.ticks {
            let place = Words.fixed(vertical(tick.value), 1)
            svg += "<line class=\"grid\" x1=\"\(Self.left)\" x2=\"\(width - Self.right)\" y1=\"\(place)\" y2=\"\(place)\"/>"
            svg += "<text class=\"tick\" x=\"\(Self.left - 8)\" y=\"\(place)\" dy=\"0.32em\" text-anchor=\"end\">\(escaped(tick.label))</text>\n"
        }
        for tick in x.ticks {
            let place = Words.fixed(horizontal(tick.value), 1)
            svg += "<line class=\"axis\" x1=\"\(place)\" x2=\"\(place)\" y1=\"\(floor)\" y2=\"\(floor + 4)\"/>"
            svg += "<text class=\"tick\" x=\"\(place)\" y=\"\(floor + 17)\" text-anchor=\"middle\">\(escaped(tick.label))</text>\n"
        }
        svg += "<line class=\"axis\" x1=\"\(Self.left)\" x2=\"\(width - Self.right)\" y1=\"\(floor)\" y2=\"\(floor)\"/>\n"
        let middle = Words.fixed((Self.top + floor) / 2, 1)
        svg += "<text class=\"title\" x=\"\(Words.fixed((Self.left + width - Self.right) / 2, 1))\" y=\"\(Self.height - 8)\" text-anchor=\"middle\">\(escaped(x.title))</text>"
        return svg + "<text class=\"title\" transform=\"rotate(-90 12 \(middle))\" x=\"12\" y=\"\(middle)\" text-anchor=\"middle\">\(escaped(y.title))</text>\n"
    }

    private func path(_ line: Line) -> String {
        guard let first = line.points.first, let last = line.points.last else { return "" }
        let places = line.points.map { "\(Words.fixed(horizontal($0.x), 1)) \(Words.fixed(vertical($0.y), 1))" }
        var svg = ""
        if line.isArea {
            let floor = Words.fixed(Self.height - Self.bottom, 1)
            svg += "<path class=\"area \(line.tone)\" d=\"M\(Words.fixed(horizontal(first.x), 1)) \(floor)L\(places.joined(separator: "L"))L\(Words.fixed(horizontal(last.x), 1)) \(floor)Z\"/>"
        }
        svg += "<path class=\"line \(line.tone)\" d=\"M\(places.joined(separator: "L"))\"/>\n"
        // A tooltip for each point; more than this many would only be a thicker line.
        guard line.points.count <= 150 else { return svg }
        for (point, place) in zip(line.points, places) {
            let parts = place.split(separator: " ")
            svg += "<circle class=\"dot \(line.tone)\" cx=\"\(parts[0])\" cy=\"\(parts[1])\" r=\"2.2\"><title>\(escaped(line.name)): \(label(point.y))</title></circle>"
        }
        return svg + "\n"
    }

    private func label(_ value: Double) -> String {
        y.isLogarithmic ? Words.duration(Int64(value)) : Words.count(value)
    }
}

extension Chart.Axis {
    /// From 0, in round steps.
    static func linear(_ title: String, to largest: Double, label: (Double) -> String) -> Chart.Axis {
        let largest = max(largest, 1e-9)
        var step = 1.0
        while step * 5 < largest { step *= 10 }
        while step * 5 > largest * 10 { step /= 10 }
        for factor in [0.2, 0.5, 1] where step * factor * 6 >= largest {
            step *= factor
            break
        }
        let count = Int((largest / step).rounded(.up))
        let ticks = (0...max(1, count)).map { (Double($0) * step, label(Double($0) * step)) }
        return Chart.Axis(title: title, ticks: ticks, range: 0...ticks[ticks.count - 1].0)
    }

    /// Seconds from the first to the last, in round steps and no further.
    static func time(_ title: String, _ range: ClosedRange<Double>) -> Chart.Axis {
        let length = max(range.upperBound - range.lowerBound, 1)
        let step = [1.0, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200].first { $0 * 10 >= length } ?? length / 8
        var ticks: [(Double, String)] = []
        var tick = (range.lowerBound / step).rounded(.up) * step
        while tick <= range.lowerBound + length {
            ticks.append((tick, Words.fixed(tick, 0)))
            tick += step
        }
        return Chart.Axis(title: title, ticks: ticks, range: range.lowerBound...range.lowerBound + length)
    }

    /// Nanoseconds, in powers of ten.
    static func durations(_ title: String, _ values: [Double]) -> Chart.Axis {
        let positive = values.filter { $0 > 0 }
        var low = 1_000.0
        while low * 10 <= positive.min() ?? 1e5 { low *= 10 }
        var high = low * 10
        while high < positive.max() ?? 1e7 { high *= 10 }
        var ticks: [(Double, String)] = []
        var tick = low
        while tick <= high {
            ticks.append((tick, round(tick)))
            // Within few decades, a line in between.
            if high / low <= 1_000, tick < high { ticks.append((tick * 3, round(tick * 3))) }
            tick *= 10
        }
        return Chart.Axis(title: title, ticks: ticks, range: low...high, isLogarithmic: true)
    }

    private static func round(_ nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<1e6: "\(Words.count(nanoseconds / 1e3)) µs"
        case ..<1e9: "\(Words.count(nanoseconds / 1e6)) ms"
        default: "\(Words.count(nanoseconds / 1e9)) s"
        }
    }
}

func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
        switch character {
        case "&": escaped += "&amp;"
        case "<": escaped += "&lt;"
        case ">": escaped += "&gt;"
        case "\"": escaped += "&quot;"
        default: escaped.append(character)
        }
    }
    return escaped
}
