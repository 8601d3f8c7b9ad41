import CLinux
import Glibc

/// A process of ours, watched by a loop until it ends and is reaped.
///
/// `@unchecked`: confined to its loop's thread.
final class ChildProcess: EventSource, @unchecked Sendable {
    enum Exit: Equatable, Sendable {
        case code(Int32)
        case signal(Int32)
    }

    let pid: pid_t
    private let loop: EventLoop
    private let descriptor: CInt
    private var tag: UInt64?
    private let onExit: (Exit) -> Void
    private(set) var hasExited = false

    /// Starts an executable with the given environment. It is killed if the loop's thread ends.
    init(
        path: String, environment: [String: String], loop: EventLoop, onExit: @escaping (Exit) -> Void
    ) throws(SystemFailure) {
        loop.assertCurrent()
        let result = unsafe Self.withCStrings([path]) { arguments in
            unsafe Self.withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                unsafe clinux_spawn(path, arguments, environment)
            }
        }
        guard result > 0 else { throw SystemFailure(call: "spawn", errno: -result) }
        pid = result
        self.loop = loop
        self.onExit = onExit
        do throws(SystemFailure) {
            descriptor = try call("pidfd_open") { clinux_pidfd_open(result) }
        } catch {
            kill(result, SIGKILL)
            _ = waitpid(result, nil, 0)
            throw error
        }
        // pidfd_open sets close-on-exec.
        tag = try loop.watch(descriptor, .read, for: self)
    }

    func signal(_ number: Int32) {
        // Until it is reaped the pid cannot be another's.
        if !hasExited { kill(pid, number) }
    }

    func becameReady(_ readiness: Readiness) {
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, WNOHANG) == pid else { return }
        release()
        let signal = status & 0x7F
        onExit(signal == 0 ? .code(status >> 8 & 0xFF) : .signal(signal))
    }

    func loopEnds() {
        signal(SIGKILL)
        _ = waitpid(pid, nil, 0)
        release()
    }

    private func release() {
        hasExited = true
        if let tag { loop.ignore(descriptor, tag: tag) }
        tag = nil
        closeDescriptor(descriptor)
    }

    private static func withCStrings<Value>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe body(&pointers)
    }
}
