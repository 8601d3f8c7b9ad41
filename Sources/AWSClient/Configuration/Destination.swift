/// Where a request goes.
struct Destination: Equatable {
    /// What the connection is made to, with the target.
    let url: String
    /// What `Host` says and the signature covers.
    let host: String
    /// The path, and the query after it.
    let target: String
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
    func destination(of request: AWSRequest) -> Destination? {
        guard let text = request.endpoint else {
            let endpoint = own[request.service] ?? generic ?? regional(request.service)
            return destination(endpoint, host: endpoint.authority, path: endpoint.path + request.path)
        }
        guard let endpoint = EndpointURL(text) else { return nil }
        let path = endpoint.path + request.path
        if let standIn = own[request.service] ?? generic, endpoint.isOfAWS || (request.isDerived && endpoint.isOfAnAPI) {
            return destination(standIn, host: endpoint.host, path: standIn.path + path)
        }
        return destination(endpoint, host: endpoint.authority, path: path)
    }

    private func destination(_ endpoint: EndpointURL, host: String, path: String) -> Destination {
        let target = path.isEmpty ? "/" : path
        return Destination(url: endpoint.origin + target, host: host, target: target)
    }

    private func regional(_ service: AWSService) -> EndpointURL {
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return EndpointURL(host: "\(service.rawValue).\(region).\(domain)")
    }
}
