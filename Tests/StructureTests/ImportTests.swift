import Foundation
import Testing

/// The README's table of the house is held against the code.
@Suite struct ImportTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Target → what the README says it imports.
    static func stated() throws -> [String: Set<String>] {
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        guard let start = readme.range(of: "\n## The house\n") else { return [:] }
        var rows: [String: Set<String>] = [:]
        for line in readme[start.upperBound...].split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let imports = Set(cells[2].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }).subtracting(["–"])
            let names = cells[0].split(separator: "`").map(String.init).filter { $0.first?.isLetter == true }
            rows[names[0]] = imports
            if names.count > 1 { for name in handlers { rows[name] = imports } }
        }
        return rows
    }

    static let handlers = [
        "Connect", "Disconnect", "Default", "JoinRoom", "LeaveRoom", "SendMessage", "Heartbeat", "Online", "History",
        "Cleanup", "Fanout", "Authorizer", "Publish",
    ]

    /// Target → what its files import.
    static func real() throws -> [String: Set<String>] {
        var imports: [String: Set<String>] = [:]
        for folder in ["Sources", "Handlers"] {
            for target in try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path) {
                let place = root.appending(path: folder).appending(path: target)
                let files = FileManager.default.enumerator(at: place, includingPropertiesForKeys: nil)
                var found: Set<String>?
                for case let file as URL in files! where file.pathExtension == "swift" {
                    found = (found ?? []).union(try importsOf(file))
                }
                imports[target] = found
            }
        }
        return imports
    }

    static func importsOf(_ file: URL) throws -> Set<String> {
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        return Set(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard let index = words.firstIndex(of: "import"), index <= 1, words.count > index + 1 else { return nil }
                return index == 0 || words[0].hasPrefix("@") || words[0] == "public" ? String(words[index + 1]) : nil
            })
    }

    @Test func `every target imports what the README's table says, and no more`() throws {
        let stated = try Self.stated()
        let real = try Self.real()
        #expect(Set(real.keys) == Set(stated.keys))
        for (target, imports) in real {
            #expect(imports == stated[target], "\(target)")
        }
    }

    @Test func `nothing that ships imports Foundation`() throws {
        for (target, imports) in try Self.real() {
            #expect(imports.isDisjoint(with: ["Foundation", "FoundationEssentials"]), "\(target)")
        }
    }

    @Test func `the package depends on no package`() throws {
        let manifest = try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
        #expect(!manifest.contains(".package("))
    }

    @Test func `every link of the README leads somewhere`() throws {
        let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let links = readme.matches(of: /\]\(([^)#]+)\)/).map { String($0.1) }.filter { !$0.hasPrefix("http") }
        #expect(!links.isEmpty)
        for link in links {
            #expect(FileManager.default.fileExists(atPath: Self.root.appending(path: link).path), "\(link)")
        }
    }
}
