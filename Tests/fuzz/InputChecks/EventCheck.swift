import ChatModel
import ChatWire
import CodecChecks
import JSONCoding

/// What holds for everything that a function may be invoked with, and for what a child of the server may answer.
///
/// Every decoder reads every input: none of them is told beforehand what it gets.
public enum EventCheck {
    public static func run(_ payload: [UInt8]) throws(Contradiction) {
        try gateway(payload)
        try authorizer(payload)
        try fanout(payload)
        try cleanup(payload)
        try answer(payload)
        try ClientCheck.publish(payload)
    }

    /// What is read is written so that it reads the same.
    private static func gateway(_ payload: [UInt8]) throws(Contradiction) {
        guard let event = try? GatewayEvent(decoding: payload) else { return }
        try require(event.text.map { String(validating: $0, as: UTF8.self) != nil } ?? true, "text that is no UTF-8")
        let written = event.encoded()
        _ = try JSONCheck.object(written, upTo: bound(payload))
        guard let once = try? GatewayEvent(decoding: written) else {
            throw Contradiction(description: "refused once written: \(written.text)")
        }
        try require(once.context == event.context && once.text == event.text, "\(once) instead of \(event)")
        try require(once.headers.count == event.headers.count && once.query.count == event.query.count, "\(once)")
        for (name, value) in event.headers where event.headers.filter({ bytesEqual($0.name, name) }).count == 1 {
            try require(once.headers.contains { bytesEqual($0.name, name) && bytesEqual($0.value, value) }, "\(name) is lost")
        }
        for (name, _) in event.query {
            let (before, after) = (event.queryParameter(name), once.queryParameter(name))
            try require(bytesEqual(before ?? "", after ?? "") && (before == nil) == (after == nil), "\(name): \(after as Any)")
        }
        // Headers of one name stand together now, and stay where they are.
        try require((try? GatewayEvent(decoding: once.encoded())) == once, "written twice: \(once)")
        try ClientCheck.run(event.text ?? [])
    }

    private static func authorizer(_ payload: [UInt8]) throws(Contradiction) {
        guard let event = try? AuthorizerEvent(decoding: payload) else { return }
        try require(!event.methodARN.isEmpty, "no methodArn")
        let answer = AuthorizerAnswer(
            .allow, principalID: event.request.context.sourceIP ?? "", methodARN: event.methodARN,
            context: event.request.context.authorizer)
        let written = try JSONCheck.object(answer.encoded(), upTo: bound(payload))
        let statement = written["policyDocument"]?.object?["Statement"]?.array?.first?.object
        try require(statement?["Resource"] == .string(event.methodARN), "allowed \(statement?["Resource"] as Any)")
        try require(statement?["Effect"] == .string("Allow"), "\(statement as Any)")
    }

    private static func fanout(_ payload: [UInt8]) throws(Contradiction) {
        guard let event = try? FanoutEvent(decoding: payload) else { return }
        try failures(event.records.map(\.messageID), of: payload)
        for record in event.records {
            guard case .success(let shard) = record.shard else { continue }
            try require((1...Limits.messageBytes).contains(shard.frame.count), "a frame of \(shard.frame.count) bytes")
            let again = try? FanoutShard(decoding: shard.encoded().text)
            try require(again == shard, "written and read: \(again as Any)")
        }
    }

    private static func cleanup(_ payload: [UInt8]) throws(Contradiction) {
        guard case .records(let records) = try? CleanupEvent(decoding: payload) else { return }
        try failures(records.compactMap(\.sequenceNumber), of: payload)
        for record in records { try require(!record.isExpiry || record.change == .remove, "\(record)") }
    }

    /// What failed is named as it was.
    private static func failures(_ names: [String], of payload: [UInt8]) throws(Contradiction) {
        let written = try JSONCheck.object(batchFailures(names), upTo: bound(payload))
        let named = written["batchItemFailures"]?.array?.map { $0.object?["itemIdentifier"] }
        try require(named == names.map { .string($0) }, "\(named as Any) instead of \(names)")
    }

    private static func answer(_ payload: [UInt8]) throws(Contradiction) {
        guard let answer = try? ProxyResponse(decoding: payload) else { return }
        try require((100...599).contains(answer.statusCode), "status \(answer.statusCode)")
        // A body that came in base64 may be no text.
        guard answer.body.map({ String(validating: $0, as: UTF8.self) != nil }) ?? true else { return }
        let written = answer.encoded()
        _ = try JSONCheck.object(written, upTo: bound(payload))
        try require((try? ProxyResponse(decoding: written)) == answer, "written and read: \(written.text)")
    }

    /// Each byte may have to be escaped, and headers stand there twice.
    private static func bound(_ payload: [UInt8]) -> Int { 1024 + 14 * payload.count }
}
