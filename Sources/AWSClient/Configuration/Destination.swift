/// Where a request goes.
struct Destination: Equatable {
    /// What the connection is made to, with the target.
    let url: String
    /// What `Host` says and the signature covers.
    let host: String
    /// The path, and the query after it.
    let target: String
}

/// Where requests go that differ in their path only.
struct BaseDestination: Equatable {
    let origin: String
    let host: String
    let path: String

    func with(path end: String) -> Destination {
        let whole = path + end
        let target = whole.isEmpty ? "/" : whole
        return Destination(url: origin + target, host: host, target: target)
    }
}

/// Which URL stands for which service.
/// Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
struct Endpoints: Equatable, Sendable {
    let region: String
    /// `AWS_ENDPOINT_URL`.
    var generic: EndpointURL?
    /// `AWS_ENDPOINT_URL_DYNAMODB` and its like.
    var own: [AWSService: EndpointURL] = [:]

    /// Nil when the request's endpoint is no URL.
    func base(of request: AWSRequest) -> BaseDestination? {
        guard let text = request.endpoint else {
            let endpoint = own[request.service] ?? generic ?? regional(request.service)
            return BaseDestination(origin: endpoint.origin, host: endpoint.authority, path: endpoint.path)
        }
        guard let endpoint = EndpointURL(text) else { return nil }
        if let standIn = own[request.service] ?? generic, endpoint.isOfAWS || (request.isDerived && endpoint.isOfAnAPI) {
            return BaseDestination(origin: standIn.origin, host: endpoint.host, path: standIn.path + endpoint.path)
        }
        return BaseDestination(origin: endpoint.origin, host: endpoint.authority, path: endpoint.path)
    }

    /// Nil when the request's endpoint is no URL.
    func destination(of request: AWSRequest) -> Destination? { base(of: request)?.with(path: request.path) }

    private func regional(_ service: AWSService) -> EndpointURL {
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return EndpointURL(host: "\(service.rawValue).\(region).\(domain)")
    }
}
