import Glibc

/// Where the server of a folder is managed, for commands beside it.
///
/// The file is written when the listener is bound and removed when the server stops. One that a killed server left says
/// nothing: whether a server runs, the folder's lock says, and the next one removes it first.
extension DataFolder {
    private static func addressPath(_ path: String) -> String { path + "/management" }

    /// Leaves the address, readable by the folder's owner only.
    func leaveAddress(host: String, port: UInt16) throws(ServerError) {
        let address = DataFolder.addressPath(path)
        let text = Array("\(reachable(host)) \(port)\n".utf8)
        let file = unsafe open(address + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw cannotWrite(address, errno) }
        defer { _ = close(file) }
        let written = unsafe write(file, text, text.count)
        guard written == text.count else { throw cannotWrite(address, written < 0 ? errno : ENOSPC) }
        guard unsafe rename(address + ".new", address) == 0 else { throw cannotWrite(address, errno) }
    }

    func removeAddress() { _ = unsafe unlink(DataFolder.addressPath(path)) }

    /// The address that a server left in a folder; nil if there is none that can be read.
    public static func managementAddress(in path: String) -> (host: String, port: UInt16)? {
        let file = unsafe open(addressPath(path), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { _ = close(file) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = unsafe read(file, &bytes, bytes.count)
        guard count > 0, let text = String(validating: bytes.prefix(count), as: UTF8.self) else { return nil }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let port = UInt16(words[1]) else { return nil }
        return (String(words[0]), port)
    }

    private func cannotWrite(_ file: String, _ number: CInt) -> ServerError {
        ServerError("cannot write \(file): \(systemError(number)); free some space, or choose another data folder with --data")
    }
}

/// The address by which a listener on this one is reached from this machine.
func reachable(_ host: String) -> String { ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host }
