import ChatModel
import Glibc
import LoadTest
import Tokens

/// One load test, from the server it starts to the reports it writes.
struct LoadRun {
    private let settings: LoadSettings
    private let jsonFile: ReportFile?
    private let htmlFile: ReportFile?

    /// Opens the report files, so that a wrong path is found now.
    init(_ settings: LoadSettings) throws(LoadError) {
        self.settings = settings
        jsonFile = try settings.jsonPath.map { path throws(LoadError) in try ReportFile(path) }
        htmlFile = try settings.htmlPath.map { path throws(LoadError) in try ReportFile(path) }
    }

    /// False when something was lost, or a report could not be written.
    func execute() throws(LoadError) -> Bool {
        let startedAt = SystemClock().now()
        // Before the server, which inherits the limit.
        try Descriptors.require(settings.plan.connections + 100)
        let server = try settings.endpoint == nil ? ownServer() : nil
        defer { server?.stop() }
        let endpoint = if let server { try Endpoint(server.url) } else { settings.endpoint! }
        let engine = try LoadEngine(
            plan: settings.plan, endpoint: endpoint, dialect: dialect(endpoint, at: startedAt), run: settings.run)
        engine.stopDescriptor = stopDescriptor
        let figures = ServerFigures(server)
        engine.atPhase = figures.note
        let line = ProgressLine(wanted: settings.plan.connections)
        engine.everySecond = line.show
        let outcome: LoadOutcome
        do throws(LoadError) {
            outcome = try engine.run()
        } catch {
            line.end()
            throw error
        }
        line.end()
        var report = LoadReport(
            outcome: outcome, url: endpoint.description, startedAt: startedAt.description, run: settings.run)
        report.server = figures.server
        report.isOrdered = settings.isOrdered
        Output.write(report.table())
        let isWritten = write(jsonFile, report.json) && write(htmlFile, report.html)
        return report.isGood && isWritten
    }

    /// The table has been printed: a report that fails must not take it along.
    private func write(_ file: ReportFile?, _ bytes: () -> [UInt8]) -> Bool {
        do throws(LoadError) {
            try file?.write(bytes())
            return true
        } catch {
            Output.write("muster: \(error)\n", to: STDERR_FILENO)
            return false
        }
    }

    private func ownServer() throws(LoadError) -> OwnServer {
        // What makes it this run's own is not for the user to set; everything else of a server's settings is.
        let ours = [
            "MUSTER_HOST", "MUSTER_PORT", "MUSTER_MANAGEMENT", "MUSTER_MANAGEMENT_TOKEN", "MUSTER_DATA", "MUSTER_STAGE",
            "MUSTER_ALLOWED_ORIGINS", "MUSTER_JWKS",
        ]
        var environment = processEnvironment().filter { !$0.key.hasPrefix("MUSTER_") }
        environment.merge(settings.variables.filter { !ours.contains($0.key) }) { $1 }
        environment["MUSTER_JWT_SECRET"] = settings.ownSecret
        environment["MUSTER_RATE_LIMIT"] = "0"
        environment["MUSTER_LOG_LEVEL"] = settings.variables["MUSTER_LOG_LEVEL"] ?? "warning"
        return try OwnServer(executable: "/proc/self/exe", arguments: [], environment: environment)
    }

    private func dialect(_ endpoint: Endpoint, at now: Timestamp) -> MusterDialect {
        let plan = settings.plan
        let prefix = "load-\(String(settings.run, radix: 16))-"
        let connectionOfUser: ((String) -> Int?)?
        let token: (Int) -> String?
        switch settings.credentials {
        case .inURL:
            connectionOfUser = nil
            token = { _ in nil }
        case .given(let tokens):
            connectionOfUser = UserNames(tokens, connections: plan.connections)?.connection
            token = { tokens[$0 % tokens.count] }
        case .minted(let minter, let tenant, let issuer, let audience):
            connectionOfUser = { user in user.hasPrefix(prefix) ? Int(user.dropFirst(prefix.count)) : nil }
            let lifetime = Int64(plan.duration + plan.drain + (plan.ramp ?? Double(plan.connections) / 100)) + 3600
            token = { connection in
                var new = NewToken(user: prefix + String(connection), tenant: tenant.text, expiresIn: lifetime)
                (new.issuer, new.audience) = (issuer, audience)
                return minter.mint(new, now: now.milliseconds)
            }
        }
        return MusterDialect(
            plan: plan, endpoint: endpoint, roomPrefix: settings.roomPrefix, connectionOfUser: connectionOfUser, token: token)
    }
}

/// What the kernel says of the server that was started, at the moments that count.
private final class ServerFigures {
    private let pid: Int32?
    private var processorBefore = 0.0
    private(set) var server: LoadReport.Server?

    init(_ server: OwnServer?) { pid = server?.pid }

    func note(_ phase: Phase) {
        guard let pid, let now = ProcessFigures(of: pid) else { return }
        switch phase {
        case .ramping:
            server = LoadReport.Server()
            server?.residentBefore = now.resident
        case .measuring:
            processorBefore = now.processor
            server?.residentIdle = now.resident
        case .leaving:
            server?.processor = now.processor - processorBefore
            server?.residentPeak = now.peak
        case .settling, .draining, .over: break
        }
    }
}

/// The progress on stderr: one line that changes on a terminal, a line a second elsewhere.
private final class ProgressLine {
    private var progress: Progress
    private let isTerminal = isatty(STDERR_FILENO) == 1

    init(wanted: Int) { progress = Progress(wanted: wanted) }

    func show(_ second: Second) {
        // The rest of a second that a phase cut is in the next line's sums. Nobody in yet: it may end with one line of error.
        let line = progress.line(second)
        guard second.span > 0.25, second.connections > 0 || second.phase != .ramping else { return }
        // Erase to the end of the line: the last one may have been longer.
        Output.write(isTerminal ? "\r\(line)\u{1B}[K" : "\(line)\n", to: STDERR_FILENO)
    }

    func end() {
        if isTerminal { Output.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }
}
