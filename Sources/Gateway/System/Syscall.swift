import CLinux
import Glibc

/// What a call on a non-blocking descriptor did.
enum Completion<Value> {
    case done(Value)
    case wouldBlock
}

extension Completion: Sendable where Value: Sendable {}

/// The one way into the kernel: repeats what a signal interrupted, makes would-block a value, traps on an errno that
/// only a bug of ours can cause, and throws the rest.
@inline(__always)
func syscall<Value: FixedWidthInteger>(
    _ name: StaticString, _ body: () -> Value
) throws(SystemFailure) -> Completion<Value> {
    while true {
        let result = body()
        if result != -1 { return .done(result) }
        let reason = errno
        switch reason {
        case EINTR: continue
        case EAGAIN: return .wouldBlock
        case EBADF, EFAULT, ENOTSOCK: preconditionFailure("\(name): errno \(reason)")
        default: throw SystemFailure(call: name.description, errno: reason)
        }
    }
}

/// As ``syscall(_:_:)``, for calls that do not wait.
@inline(__always) @discardableResult
func call<Value: FixedWidthInteger>(_ name: StaticString, _ body: () -> Value) throws(SystemFailure) -> Value {
    switch try syscall(name, body) {
    case .done(let value): value
    case .wouldBlock: throw SystemFailure(call: name.description, errno: EAGAIN)
    }
}

/// Closes a descriptor. Nothing can be done about a failure, and after EINTR the descriptor is gone all the same.
func closeDescriptor(_ descriptor: CInt) {
    if close(descriptor) == -1 { precondition(errno != EBADF, "closed a descriptor twice") }
}
