import ChatHandlers

extension ServiceEnvironment {
    /// What reads the key set that `MUSTER_JWKS` names; nil where it names none. Reads nothing yet.
    public func keySource() throws(SettingError) -> (any KeySource)? {
        switch keySet {
        case nil: return nil
        case .file(let path): return KeySetFile(path)
        case .url(let url):
            guard let source = KeySetURL(url, authorities: authorities) else {
                throw SettingError(
                    "MUSTER_JWKS is no URL of a key set: give one with https:// and no user name (http:// only to this machine), or a path")
            }
            return source
        }
    }
}
