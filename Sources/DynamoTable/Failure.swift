import AWSClient
import ChatStore
import JSONCoding

/// Where a call failed, and what its error is: the one place where AWS's names become a ``TableError``.
///
/// Texts are for whoever operates the service: they say what to look at, and never what an item holds.
/// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
struct Failure {
    let operation: Operation
    let table: String
    let region: String?

    func error(of error: AWSError) -> TableError {
        switch error {
        case .refused(let refusal): self.error(of: refusal)
        case .unreachable(let reason): .unavailable("DynamoDB could not be reached for \(operation.rawValue): \(reason)")
        case .timedOut: .unavailable("DynamoDB did not answer \(operation.rawValue) before the deadline")
        case .noCredentials(let reason): .unavailable("no credentials for DynamoDB: \(reason)")
        }
    }

    private func error(of refusal: AWSRefusal) -> TableError {
        switch refusal.code {
        case "ConditionalCheckFailedException": Failure.failedCondition(refusal.body)
        case "TransactionCanceledException": CancellationReasons.error(refusal.body)
        case "TransactionConflictException", "ReplicatedWriteConflictException": .conflict
        case "TransactionInProgressException": TableCalls.inProgress
        case "IdempotentParameterMismatchException": .invalid("one request token for two transactions")
        case "ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "ThrottledException",
            "RequestLimitExceeded", "RequestThrottled", "TooManyRequestsException":
            .throttled
        case "ValidationException", "SerializationException", "ItemCollectionSizeLimitExceededException":
            self.error(ofInvalid: refusal.message)
        default: .unavailable(text(of: refusal))
        }
    }

    /// Almost always a bug of ours; a half-applied deployment and an item that has grown too large are refused so too.
    private func error(ofInvalid message: String) -> TableError {
        if Failure.isTooLarge(message) { return .itemTooLarge }
        if message.place(of: "specified index") != nil {
            return .unavailable("\(place) lacks an index: deploy it again, or wait until its indexes are there")
        }
        return .invalid("\(operation.rawValue): \(Failure.harmless(message))")
    }

    private func text(of refusal: AWSRefusal) -> String {
        let said = Failure.harmless(refusal.message)
        return switch refusal.code {
        case "ResourceNotFoundException":
            "\(place) does not exist (\(refusal.code)): check the table's name and the region, or deploy it"
        case "AccessDeniedException": "\(operation.rawValue) on \(place) is not allowed (\(refusal.code)): \(said)"
        case "ExpiredTokenException", "ExpiredToken": "the credentials have expired (\(refusal.code))"
        case "UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationTokenException",
            "IncompleteSignatureException":
            "DynamoDB does not know the credentials (\(refusal.code)): \(said)"
        case "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired":
            "the signature was refused (\(refusal.code)): check this machine's clock, then the secret key: \(said)"
        case "": "\(operation.rawValue) was answered with status \(refusal.status)"
        default: "\(operation.rawValue) was answered with \(refusal.code) (status \(refusal.status)): \(said)"
        }
    }

    private var place: String { "the table \(table)" + (region.map { " in \($0)" } ?? "") }

    private static func failedCondition(_ body: [UInt8]) -> TableError {
        do throws(TableError) {
            // What is no JSON cannot have been named as this error.
            let stored = (try? JSONParser.parse(body))?.object?["Item"]
            return .conditionFailed(try stored.map { value throws(TableError) in try Item(value) })
        } catch {
            return error
        }
    }

    static func isTooLarge(_ message: String) -> Bool {
        message.place(of: "Item size") != nil && message.place(of: "exceeded the maximum allowed size") != nil
    }

    /// A service's message, bounded, and without the values that it quotes from the request.
    static func harmless(_ message: String) -> String {
        guard let quoted = message.place(of: "Value '") else { return String(message.prefix(300)) }
        let rest = message.lastPlace(of: " at '").map { message[$0...] } ?? ""
        return String((message[..<quoted] + "a value" + rest).prefix(300))
    }
}

extension TableCalls {
    /// A transaction with the same token is still being done.
    static let inProgress = TableError.unavailable("the transaction was still under way after every try")
}

/// Texts by their bytes: what the standard library offers for this brings a parser of regular expressions into every function.
extension String {
    fileprivate func place(of part: String) -> Index? {
        utf8.indices.first { utf8[$0...].starts(with: part.utf8) }
    }

    fileprivate func lastPlace(of part: String) -> Index? {
        utf8.indices.last { utf8[$0...].starts(with: part.utf8) }
    }
}
