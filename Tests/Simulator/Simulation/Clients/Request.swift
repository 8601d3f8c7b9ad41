import ChatWire

/// Something a client or a backend wants to say, however often it has to try: its body is the only one of its kind.
final class Saying {
    enum Target: Equatable {
        case room(String)
        case user(String)
        case everyone
    }

    let body: String
    let tenant: String
    let sender: String
    let target: Target
    /// With one, every try after the first is known for what it is.
    let clientMessageID: String?
    /// When each try was sent, in milliseconds.
    var tries: [Int64] = []
    var acks: [(messageID: String, seq: Int64)] = []

    init(body: String, tenant: String, sender: String, target: Target, clientMessageID: String?) {
        self.body = body
        self.tenant = tenant
        self.sender = sender
        self.target = target
        self.clientMessageID = clientMessageID
    }
}

/// One frame of a client.
final class Request {
    enum Kind {
        case join(room: String, since: Int64?, epoch: String?)
        case leave(room: String)
        case send(Saying)
        case heartbeat(rooms: Bool)
        /// A new token that ends at this second.
        case refresh(expiresAt: Int64)
        case online(room: String?, limit: Int, next: String?)
        case history(Saying.Target, after: Int64?, before: Int64?, limit: Int)
        /// A frame that is refused for what it is.
        case bad
    }

    let number: Int
    let kind: Kind
    let text: String
    let route: Route
    let socket: Socket
    /// Set once it was handed to a function.
    var invocation: Invocation?
    var isAnswered = false
    /// When the token was issued that it brings, in seconds; and whether that was refused when the frame was handed over.
    var tokenIssuedAt: Int64 = .max
    var isRefusedToken = false
    /// What the service answered: the type of the frame, or the code of an error.
    var answer: String?

    init(number: Int, _ kind: Kind, on socket: Socket, text: String, action: String) {
        self.number = number
        self.kind = kind
        self.socket = socket
        self.text = text
        route = Route(action: action)
    }
}

extension Request {
    /// Writes the frame.
    convenience init(_ number: Int, _ kind: Kind, on socket: Socket, token: String = "") {
        let (action, fields) = Request.fields(kind, token)
        let members = [#""action":"\#(action)""#, #""requestId":\#(number)"#] + fields
        self.init(number: number, kind, on: socket, text: "{\(members.joined(separator: ","))}", action: action)
    }

    private static func fields(_ kind: Kind, _ token: String) -> (String, [String]) {
        switch kind {
        case .join(let room, let since, let epoch):
            return ("joinRoom", [text("roomId", room), number("since", since), text("epoch", epoch)].compactMap(\.self))
        case .leave(let room): return ("leaveRoom", [text("roomId", room)].compactMap(\.self))
        case .send(let saying):
            let target =
                switch saying.target {
                case .room(let room): text("roomId", room)
                case .user(let user): text("destinationUserId", user)
                case .everyone: #""everyone":true"# as String?
                }
            return ("sendMessage", [target, text("body", saying.body), text("clientMessageId", saying.clientMessageID)].compactMap(\.self))
        case .heartbeat(let rooms): return ("heartbeat", rooms ? [#""rooms":true"#] : [])
        case .refresh: return ("refreshToken", [text("token", token)].compactMap(\.self))
        case .online(let room, let limit, let next):
            return ("online", [text("roomId", room), number("limit", Int64(limit)), text("next", next)].compactMap(\.self))
        case .history(let target, let after, let before, let limit):
            let name =
                switch target {
                case .room(let room): text("roomId", room)
                case .user(let user): text("destinationUserId", user)
                case .everyone: nil as String?
                }
            return ("history", [name, number("after", after), number("before", before), number("limit", Int64(limit))].compactMap(\.self))
        case .bad: return ("joinRoom", [#""roomId":"no room#""#])
        }
    }

    private static func text(_ name: String, _ value: String?) -> String? { value.map { #""\#(name)":"\#($0)""# } }
    private static func number(_ name: String, _ value: Int64?) -> String? { value.map { #""\#(name)":\#($0)"# } }
}
