import HTTPCodec

/// What requests have in common that differ in their path only, made once for all of them: a room's posts.
struct PreparedRequests {
    private let model: AWSRequest
    private let base: BaseDestination
    private let signer: RequestSigner
    /// Nil where nothing is signed.
    private let signing: RequestSigner.Shared?
    private let fields: HTTPFields

    init(like model: AWSRequest, to base: BaseDestination, _ signer: RequestSigner, _ credentials: AWSCredentials?, at time: SigningTime) {
        self.model = model
        self.base = base
        self.signer = signer
        var fields = model.fields
        fields.add("Host", base.host)
        signing = credentials.map {
            signer.share(method: model.method, fields: fields, body: model.body, credentials: $0, at: time)
        }
        for field in signing?.fields ?? [:] { fields.add(field.name, field.value) }
        self.fields = fields
    }

    /// Whether the request is one of them.
    func fit(_ request: AWSRequest) -> Bool {
        model.service == request.service && model.isSigned == request.isSigned && model.isDerived == request.isDerived
            && model.method == request.method && model.endpoint == request.endpoint && model.fields == request.fields
            && model.body == request.body
    }

    func outgoing(_ path: String) -> OutgoingRequest {
        let destination = base.with(path: path)
        var fields = fields
        if let signing { fields.add("Authorization", signer.authorization(target: destination.target, signing)) }
        return OutgoingRequest(method: model.method, url: destination.url, fields: fields, body: model.body)
    }
}
