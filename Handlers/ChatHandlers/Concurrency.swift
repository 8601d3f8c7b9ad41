extension Collection where Element: Sendable, Self: Sendable {
    /// Runs `body` for every element, at most `limit` at once.
    /// - Returns: what came of each, in the order in which they finished.
    func concurrently<Result: Sendable>(
        atOnce limit: Int, _ body: @escaping @Sendable (Element) async -> Result
    ) async -> [Result] {
        await withTaskGroup(of: Result.self) { group in
            var results: [Result] = []
            results.reserveCapacity(count)
            var rest = makeIterator()
            for _ in 0..<limit {
                guard let element = rest.next() else { break }
                group.addTask { await body(element) }
            }
            while let result = await group.next() {
                results.append(result)
                if let element = rest.next() { group.addTask { await body(element) } }
            }
            return results
        }
    }
}
