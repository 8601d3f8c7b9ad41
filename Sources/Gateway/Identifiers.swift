import ChatModel
import JSONCoding

/// Ids in API Gateway's form: 11 bytes in base64url, 16 characters ending in `=`.
enum GatewayIdentifier {
    private static let random = SystemRandom()

    /// For a connection: not to be guessed.
    static func connection() -> ConnectionID {
        ConnectionID(encode(random.next(), random.next()))!
    }

    static func encode(_ high: UInt64, _ low: UInt64) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(11)
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: high >> (8 * shift))) }
        for shift in 0..<3 { bytes.append(UInt8(truncatingIfNeeded: low >> (8 * shift))) }
        return Base64.encode(bytes, alphabet: .url, padding: true)
    }
}

/// Ids that need only be different, without a system call each: a random start, then a walk through all 64-bit values
/// (https://prng.di.unimi.it/splitmix64.c).
struct RequestIdentifiers {
    private let salt = UInt64.random(in: .min ... .max)
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> String {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return GatewayIdentifier.encode(mixed ^ (mixed >> 31), salt)
    }
}
