import Testing

@testable import LoadTest

@Suite struct HistogramTests {
    @Test(arguments: [0, 1, 127, 128, 129, 1_000, 65_535, 1_234_567, 999_999_999, 86_400_000_000_000, Int64.max / 2])
    func `a duration comes back within one per cent`(_ value: Int64) {
        var histogram = Histogram()
        histogram.record(value)
        // Another, larger by far, so that the maximum does not correct the answer.
        histogram.record(Int64.max)
        let answer = histogram.quantile(0.5)
        #expect(abs(Double(answer - value)) <= Double(value) * 0.01, "\(value) became \(answer)")
    }

    @Test func `every bucket's answer is within one per cent of both its ends`() {
        var value: Int64 = 1
        while value < Int64.max / 4 {
            for candidate in [value, value + value / 3, value * 2 - 1] {
                var histogram = Histogram()
                histogram.record(candidate)
                histogram.record(Int64.max)
                #expect(abs(Double(histogram.quantile(0.5) - candidate)) <= Double(candidate) * 0.01)
            }
            value *= 2
        }
    }

    @Test func `quantiles are those of the sorted values`() {
        var histogram = Histogram()
        for value in 1...100_000 { histogram.record(Int64(value) * 1_000) }
        for (share, expected) in [(0.5, 50_000_000.0), (0.9, 90_000_000), (0.99, 99_000_000), (0.999, 99_900_000)] {
            #expect(abs(Double(histogram.quantile(share)) - expected) <= expected * 0.01)
        }
        #expect(histogram.quantile(1) == 100_000_000)
        #expect(histogram.max == 100_000_000)
        #expect(abs(histogram.mean - 50_000_500) < 1)
    }

    @Test func `an empty histogram and a negative duration are zero`() {
        var histogram = Histogram()
        #expect(histogram.quantile(0.99) == 0)
        histogram.record(-5)
        #expect(histogram.quantile(0.99) == 0)
        #expect(histogram.count == 1)
    }

    @Test func `adding histograms is recording into one`() {
        var first = Histogram()
        var second = Histogram()
        var both = Histogram()
        for value in 1...1000 {
            (value % 3 == 0 ? first.record(Int64(value * 977)) : second.record(Int64(value * 977)))
            both.record(Int64(value * 977))
        }
        first.add(second)
        #expect(first == both)
    }
}
