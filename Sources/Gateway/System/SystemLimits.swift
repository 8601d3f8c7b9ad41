import Glibc

/// What the system allows this process.
enum SystemLimits {
    /// How many descriptors it may have, 0 the first.
    static var descriptors: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        return Int(clamping: limit.rlim_cur)
    }
}
