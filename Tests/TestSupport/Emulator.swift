import AWSClient
import Foundation
import JSONCoding
import Logs
import Synchronization

/// The emulator of AWS that `make test` starts beside the tests.
public enum Emulator {
    /// Nil with plain `swift test`: DynamoDB is then not among the engines.
    public static let endpoint = ProcessInfo.processInfo.environment["MUSTER_DYNAMODB_ENDPOINT"]
    public static let isRequired = ProcessInfo.processInfo.environment["MUSTER_REQUIRE_EMULATOR"] == "1"

    public static let caller: any AWSCaller = {
        let settings = [
            "AWS_ENDPOINT_URL_DYNAMODB": endpoint!, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        ]
        return AWSClient(try! AWSConfiguration { settings[$0] }, log: .silent)
    }()

    private static let tables = Atomic(0)

    /// A name that no other table of any test has.
    public static func freshName() -> String {
        "muster-\(getpid())-\(tables.add(1, ordering: .relaxed).newValue)"
    }

    /// Creates the table that `schema/README.md` describes.
    /// - Parameter timeToLive: Contract tests store what has long expired, and the emulator deletes it within a minute,
    ///   where DynamoDB leaves alone what expired over five years ago.
    public static func createTable(_ name: String, timeToLive: Bool = false, caller: any AWSCaller = caller) async throws {
        func index(_ name: String) -> String {
            """
            {"IndexName":"\(name)","KeySchema":[{"AttributeName":"\(name)PK","KeyType":"HASH"},\
            {"AttributeName":"\(name)SK","KeyType":"RANGE"}],\
            "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["v","tenantId","userId","connectedAt"]}}
            """
        }
        let keys = ["PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK"]
        let definitions = keys.map { #"{"AttributeName":"\#($0)","AttributeType":"S"}"# }.joined(separator: ",")
        _ = try await call("CreateTable", """
            {"TableName":"\(name)","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[\(definitions)],\
            "KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}],\
            "GlobalSecondaryIndexes":[\(index("GSI1")),\(index("GSI2"))],\
            "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}
            """, caller)
        guard timeToLive else { return }
        _ = try await call("UpdateTimeToLive", """
            {"TableName":"\(name)","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"expiresAt"}}
            """, caller)
    }

    public static func call(_ operation: String, _ body: String, _ caller: any AWSCaller = caller) async throws -> JSONObject? {
        let request = AWSRequest.call(.dynamoDB, target: "DynamoDB_20120810.\(operation)", Array(body.utf8))
        return try JSONParser.parse(try await caller.send(request).body).object
    }
}
