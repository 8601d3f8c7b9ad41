import ChatModel
import ChatWire
import CodecChecks
import JSONCoding

/// What holds for every text frame that a client may send.
public enum ClientCheck {
    /// An error with the longest request id and action, all of it escaped.
    static let errorBytes = 4096

    public static func run(_ frame: [UInt8]) throws(Contradiction) {
        try JSONCheck.run(frame)
        let envelope = FrameEnvelope(parsing: frame)
        let isObject = (try? JSONParser.parse(frame))?.object != nil
        try require(isObject || envelope.fault?.code == .badRequest, "no object, and no fault")
        try require(isObject || envelope.fields.members.isEmpty, "no object, and members")
        let route = Route(action: envelope.action)
        try require(![.connect, .disconnect].contains(route), "a client named \(route)")
        try echo(envelope)
        guard envelope.fault == nil else { return }
        try rooms(envelope)
        try messages(envelope)
        try lists(envelope)
        try publish(frame)
        try event(frame)
    }

    /// Whatever is wrong with a frame, its answer is JSON of a few hundred bytes that names the request as it was named.
    private static func echo(_ envelope: FrameEnvelope) throws(Contradiction) {
        let error = envelope.fault ?? ChatError(.unknownAction, "no such action")
        let answer = try JSONCheck.object(
            ServerFrame.error(error, action: envelope.echoedAction, requestID: envelope.requestID), upTo: errorBytes)
        let named: JSONValue? =
            switch envelope.requestID {
            case nil: nil
            case .text(let text): .string(text)
            case .number(let number): .number(number)
            }
        try require(answer["requestId"] == named, "answered to \(answer["requestId"] as Any) instead of \(named as Any)")
        if let named, envelope.fault == nil {
            try require(envelope.fields["requestId"] == named, "another request id than the frame's")
        }
        try require(answer["action"]?.string.map { $0.utf8.count <= Limits.requestIDBytes } ?? true, "a long action")
    }

    private static func rooms(_ envelope: FrameEnvelope) throws(Contradiction) {
        if let request = try refusable({ () throws(ChatError) in try JoinRoomRequest(envelope.fields) }) {
            try require(isPlain(request.roomID.text), "room \(request.roomID)")
            try require(request.since ?? 0 >= 0, "since \(request.since as Any)")
            try require(request.epoch?.utf8.count ?? 0 <= Limits.plainNameBytes, "a long epoch")
        }
        if let request = try refusable({ () throws(ChatError) in try LeaveRoomRequest(envelope.fields) }) {
            let reply = try JSONCheck.object(ServerFrame.left(request.roomID, envelope.requestID), upTo: errorBytes)
            try require(reply["roomId"] == .string(request.roomID.text), "left another room")
        }
        _ = try refusable { () throws(ChatError) in try HeartbeatRequest(envelope.fields) }
        _ = try refusable { () throws(ChatError) in try RefreshTokenRequest(envelope.fields) }
    }

    /// A body reaches others as it was sent, in a frame that is not too long.
    private static func messages(_ envelope: FrameEnvelope) throws(Contradiction) {
        guard let request = try refusable({ () throws(ChatError) in try SendMessageRequest(envelope.fields) }) else { return }
        try require((1...Limits.bodyBytes).contains(request.body.utf8.count), "body of \(request.body.utf8.count) bytes")
        try require(request.clientMessageID.map { (1...Limits.clientMessageIDBytes).contains($0.utf8.count) } ?? true, "id")
        switch request.addressee {
        case .room(let room): try write(request.body, .room(room), UserID("u"))
        case .user(let user): try write(request.body, .user(user), user)
        case .onlyRoom, .everyone: break
        }
    }

    private static func write(_ body: String, _ destination: Destination, _ sender: UserID?) throws(Contradiction) {
        guard let sender else { return }
        let message = Message(
            destination: destination, messageID: "m", seq: 1, senderID: sender, body: body, sentAt: Timestamp(milliseconds: 0))
        let written = try JSONCheck.object(ServerFrame.message(message), upTo: Limits.messageBytes)
        try require(written["body"] == .string(body), "another body")
        try require(written["senderId"] == .string(sender.text), "another sender")
    }

    private static func lists(_ envelope: FrameEnvelope) throws(Contradiction) {
        if let request = try refusable({ () throws(ChatError) in try OnlineRequest(envelope.fields) }) {
            try require((1...Limits.onlinePage).contains(request.limit), "limit \(request.limit)")
            if let user = request.after {
                try require(envelope.fields["next"] == .string(OnlineCursor.encode(user)), "a cursor has two forms")
            }
        }
        if let request = try refusable({ () throws(ChatError) in try HistoryRequest(envelope.fields) }) {
            try require((1...Limits.historyPage).contains(request.limit), "limit \(request.limit)")
            try require(request.before == nil || request.after == nil, "before and after")
            try require(request.before ?? 1 >= 1 && request.after ?? 0 >= 0, "\(request)")
        }
    }

    /// What a backend says is handed on as it was said.
    static func publish(_ payload: [UInt8]) throws(Contradiction) {
        guard let request = try refusable({ () throws(ChatError) in try PublishRequest(decoding: payload) }) else { return }
        let again = try refusable { () throws(ChatError) in try PublishRequest(decoding: request.encoded()) }
        guard let again else { throw Contradiction(description: "refused once written: \(request)") }
        try require(again == request && bytesEqual(again.body, request.body), "written and read: \(again) for \(request)")
        try require(bytesEqual(again.clientMessageID ?? "", request.clientMessageID ?? ""), "another clientMessageId")
        try require(again.tenantID == request.tenantID && again.senderID == request.senderID, "\(again) for \(request)")
    }

    /// A frame that goes through an event comes out as it was.
    private static func event(_ frame: [UInt8]) throws(Contradiction) {
        let event = GatewayEvent(GatewayEvent.Context(connectionID: "c=", routeKey: "$default"), body: frame.text)
        let again = try? GatewayEvent(decoding: event.encoded())
        try require(again == event && again?.text == frame, "in an event: \(again as Any)")
    }

    /// A refusal says of its own what is wrong: never more than its words and a number.
    private static func refusable<Request>(_ read: () throws(ChatError) -> Request) throws(Contradiction) -> Request? {
        do throws(ChatError) {
            return try read()
        } catch {
            try require([.badRequest, .tooLarge].contains(error.code), "refused with \(error)")
            try require(error.message.utf8.count < 200, "a long refusal: \(error)")
            return nil
        }
    }
}

/// Whether an id is one of `[A-Za-z0-9._:@-]{1,128}`, by a list of the characters.
func isPlain(_ id: String) -> Bool {
    (1...128).contains(id.utf8.count) && id.utf8.allSatisfy { plainBytes.contains($0) }
}

private let plainBytes = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-".utf8)
