import HTTPCodec

/// How far the service's clock is from ours, where it refuses a signature for its time.
enum ClockSkew {
    /// - Returns: seconds to add to our time; nil when the answer is about something else.
    static func correction(for refusal: AWSRefusal, fields: HTTPFields, now: Int64) -> Int64? {
        let isSure = sure.contains(refusal.code)
        guard isSure || possible.contains(refusal.code), let date = fields.first("Date").flatMap(SigningTime.init(httpDate:))
        else { return nil }
        let offset = date.seconds - now
        return abs(offset) >= (isSure ? 1 : tolerance) ? offset : nil
    }

    /// AWS takes signatures that are 5 minutes off; a wrong signature within 4 is wrong for another reason.
    private static let tolerance: Int64 = 240
    private static let sure: Set<String> = ["RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"]
    private static let possible: Set<String> = ["AuthFailure", "InvalidSignatureException", "SignatureDoesNotMatch"]
}
