import AWSClient
import ChatHandlers
import Tokens

/// A key set that an issuer publishes. It holds no secrets: who can read it need not be trusted with them.
struct KeySetURL: KeySource {
    private let document: WebDocument

    /// Nil for what is neither `https://` nor `http://` to this machine.
    init?(_ url: String, authorities: String?) {
        guard let document = WebDocument(url, maxBytes: JWKSet.maxBytes, authorities: authorities) else { return nil }
        self.document = document
    }

    var name: String { document.name }
    var mayHoldSecrets: Bool { false }

    func fetch() async throws(KeySetFailure) -> [UInt8] {
        do throws(WebDocumentError) {
            return try await document.read()
        } catch {
            switch error {
            case .unreachable(let reason): throw .unreadable("unreachable: \(reason)")
            case .timedOut: throw .unreadable("no whole answer in time")
            case .status(let status): throw .unreadable("status \(status)")
            case .tooLarge: throw .unreadable("more than \(JWKSet.maxBytes) bytes")
            case .cancelled: throw .cancelled
            }
        }
    }
}
