import AWSClient
import ChatStore
import Testing

@testable import DynamoTable

/// What AWS says, and what a caller and an operator are told.
@Suite struct DynamoFailureTests {
    static let key = Key("P", "S")
    static let item = Item(key, ["n": .number(1)])
    static let json = #"{"PK":{"S":"P"},"SK":{"S":"S"},"n":{"N":"1"}}"#

    static let cases: [(AWSError, TableError)] = [
        (.refusal("ConditionalCheckFailedException", #","Item":\#(json)"#), .conditionFailed(item)),
        (.refusal("ConditionalCheckFailedException"), .conditionFailed(nil)),
        (.refusal("TransactionConflictException"), .conflict), (.refusal("ReplicatedWriteConflictException"), .conflict),
        (.refusal("ProvisionedThroughputExceededException"), .throttled), (.refusal("ThrottlingException"), .throttled),
        (.refusal("RequestLimitExceeded"), .throttled),
        (.refusal("ValidationException", message: "Item size has exceeded the maximum allowed size"), .itemTooLarge),
        (.refusal("ValidationException", message: "Item size to update has exceeded the maximum allowed size"), .itemTooLarge),
        (.refusal("ValidationException", message: "Invalid UpdateExpression: Syntax error"), .invalid("PutItem: Invalid UpdateExpression: Syntax error")),
        (.refusal("ValidationException", message: "1 validation error detected: Value '[secret]' at 'tableName' failed"),
            .invalid("PutItem: 1 validation error detected: a value at 'tableName' failed")),
        (.refusal("IdempotentParameterMismatchException"), .invalid("one request token for two transactions")),
        (.refusal("ValidationException", message: "The table does not have the specified index: GSI1"),
            .unavailable("the table T in eu-west-1 lacks an index: deploy it again, or wait until its indexes are there")),
        (.refusal("ResourceNotFoundException"), .unavailable("the table T in eu-west-1 does not exist (ResourceNotFoundException): check the table's name and the region, or deploy it")),
        (.refusal("AccessDeniedException", message: "no policy"), .unavailable("PutItem on the table T in eu-west-1 is not allowed (AccessDeniedException): no policy")),
        (.refusal("ExpiredTokenException"), .unavailable("the credentials have expired (ExpiredTokenException)")),
        (.refusal("UnrecognizedClientException", message: "invalid"), .unavailable("DynamoDB does not know the credentials (UnrecognizedClientException): invalid")),
        (.refusal("InvalidSignatureException", message: "expired"),
            .unavailable("the signature was refused (InvalidSignatureException): check this machine's clock, then the secret key: expired")),
        (.refusal("InternalServerError", message: "oh", status: 500), .unavailable("PutItem was answered with InternalServerError (status 500): oh")),
        (.refused(AWSRefusal(status: 503, code: "", message: "")), .unavailable("PutItem was answered with status 503")),
        (.unreachable("no route"), .unavailable("DynamoDB could not be reached for PutItem: no route")),
        (.timedOut, .unavailable("DynamoDB did not answer PutItem before the deadline")),
        (.noCredentials("nowhere"), .unavailable("no credentials for DynamoDB: nowhere")),
    ]

    @Test(arguments: cases) func `each error of AWS is one of the table's`(error: AWSError, expected: TableError) async throws {
        let table = DynamoTable(ScriptedCaller(.failure(error)))
        #expect(await attempt { try await table.put(Self.item, if: nil) } == expected)
    }

    /// Reasons, and the error that they are together, in whatever order they come.
    static let reasons: [([String], TableError)] = [
        (["None", "ConditionalCheckFailed", "Stored"], .transactionFailed([.held, .failed(nil), .failed(item)])),
        (["ConditionalCheckFailed", "TransactionConflict", "None"], .conflict),
        (["ConditionalCheckFailed", "TransactionConflict", "ThrottlingError"], .throttled),
        (["ProvisionedThroughputExceeded", "None", "Stored"], .throttled),
        (["TransactionConflict", "ValidationError", "None"], .conflict),
        (["ConditionalCheckFailed", "ValidationError", "None"], .transactionFailed([.failed(nil), .held, .held])),
        (["None", "ValidationError", "None"], .invalid("an action: type")),
        (["None", "TooLarge", "None"], .itemTooLarge),
        (["ConditionalCheckFailed", "Novelty", "TransactionConflict"], .unavailable("a transaction was cancelled for Novelty")),
    ]

    static func cancellation(_ reasons: [String]) -> AWSError {
        let objects = reasons.map { reason in
            switch reason {
            case "Stored": #"{"Code":"ConditionalCheckFailed","Message":"failed","Item":\#(json)}"#
            case "ValidationError": #"{"Code":"ValidationError","Message":"type"}"#
            case "TooLarge": #"{"Code":"ValidationError","Message":"Item size to update has exceeded the maximum allowed size"}"#
            default: #"{"Code":"\#(reason)","Message":null}"#
            }
        }
        return .refusal("TransactionCanceledException", #","CancellationReasons":[\#(objects.joined(separator: ","))]"#)
    }

    @Test(arguments: reasons, [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    func `a cancellation's reasons are one error in every order`(example: ([String], TableError), order: [Int]) async throws {
        let table = DynamoTable(ScriptedCaller(.failure(Self.cancellation(order.map { example.0[$0] }))))
        var expected = example.1
        if case .transactionFailed(let outcomes) = expected { expected = .transactionFailed(order.map { outcomes[$0] }) }
        let actions = (0..<3).map { TransactAction.check(Key("P", "\($0)"), if: .itemExists) }
        #expect(await attempt { try await table.transact(actions) } == expected)
    }

    @Test(arguments: ["", #","CancellationReasons":[]"#, #","CancellationReasons":[{"Code":"None"}]"#, #","CancellationReasons":[{"Code":"ConditionalCheckFailed"},{"Code":"None"}]"#, #","CancellationReasons":[7]"#])
    func `a cancellation that explains nothing is unavailable`(members: String) async throws {
        let table = DynamoTable(ScriptedCaller(.failure(.refusal("TransactionCanceledException", members))))
        #expect(await attempt { try await table.transact([.check(Self.key, if: .itemExists)]) }?.unavailability != nil)
    }

    @Test func `a throttled or unfinished transaction is tried again under its token, with waits that grow`() async throws {
        let answers: [Result<String, AWSError>] = [
            .failure(Self.cancellation(["ThrottlingError"])), .failure(.refusal("TransactionInProgressException")),
            .failure(Self.cancellation(["ProvisionedThroughputExceeded"])), .success("{}"),
        ]
        let caller = ScriptedCaller { number, _ in answers[number] }
        let waits = Waits()
        try await DynamoTable(caller, waits: waits).transact([.check(Self.key, if: .itemExists)])
        #expect(caller.requests.count == 4 && Set(caller.requests).count == 1)
        #expect(zip(waits.durations, [50, 100, 200]).allSatisfy { $0 <= .milliseconds($1) } && waits.durations.count == 3)
    }

    @Test func `a transaction is given up in the end, and says whether it may have been done`() async throws {
        for (error, expected) in [
            (Self.cancellation(["ThrottlingError"]), TableError.throttled), (.refusal("TransactionInProgressException"), TableCalls.inProgress),
        ] {
            let caller = ScriptedCaller(.failure(error))
            #expect(await attempt { try await DynamoTable(caller).transact([.check(Self.key, if: .itemExists)]) } == expected)
            #expect(caller.requests.count == BackOff.attempts)
        }
    }

    @Test func `no wait is begun that a deadline or a cancellation would cut`() async throws {
        let caller = ScriptedCaller(.failure(Self.cancellation(["ThrottlingError"])))
        let actions = [TransactAction.check(Self.key, if: .itemExists)]
        let waits = Waits()
        let late = await AWSDeadline.$current.withValue(.now + .milliseconds(50)) {
            await attempt { try await DynamoTable(caller, waits: waits).transact(actions) }
        }
        #expect(late == .throttled && caller.requests.count == 1 && waits.durations.isEmpty)
        let early = await AWSDeadline.$current.withValue(.now + .seconds(3600)) {
            await attempt { try await DynamoTable(caller, waits: waits).transact(actions) }
        }
        #expect(early == .throttled && waits.durations.count == BackOff.attempts - 1)
        let real = DynamoTable(caller: caller, name: "T")
        let cancelled = Task { await attempt { try await real.transact(actions) } }
        cancelled.cancel()
        #expect(await cancelled.value == .throttled)
    }

    @Test func `only what must be repeated is`() async throws {
        for error in [AWSError.timedOut, .refusal("ThrottlingException"), .refusal("TransactionConflictException")] {
            let caller = ScriptedCaller(.failure(error))
            _ = await attempt { try await DynamoTable(caller).put(Self.item, if: nil) }
            #expect(caller.requests.count == 1)
        }
    }
}
