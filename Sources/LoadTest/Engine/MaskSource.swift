import WebSocketCodec

/// Masks for what is sent: new ones for every frame, as RFC 6455 section 5.3 asks, without a system call for each.
///
/// Not unpredictable enough for a browser, which sends what strangers wrote; here every byte is ours.
struct MaskSource {
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> MaskingKey {
        // SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        bits ^= bits >> 31
        return MaskingKey(
            UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits >> 16),
            UInt8(truncatingIfNeeded: bits >> 24))
    }
}
