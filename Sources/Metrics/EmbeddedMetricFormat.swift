import JSONCoding

/// One log line from which CloudWatch makes metrics, without a call to it.
/// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
public enum EmbeddedMetricFormat {
    public static let namespace = "Muster"

    /// - Parameters:
    ///   - time: milliseconds since the epoch.
    ///   - function: the function's name, which is the metrics' one dimension.
    ///   - properties: what the line says beside them, such as a request id; to be searched for, not plotted.
    /// - Returns: the line with its line feed; nil when there is nothing to say.
    public static func line(
        _ values: [(metric: Metric, value: Int64)], time: Int64, function: String, properties: [(name: String, value: String)]
    ) -> [UInt8]? {
        guard !values.isEmpty else { return nil }
        var json = JSONWriter(capacity: 512)
        json.beginObject()
        json.name("_aws")
        json.beginObject()
        json.member("Timestamp", time)
        json.name("CloudWatchMetrics")
        json.beginArray()
        json.beginObject()
        json.member("Namespace", namespace)
        json.name("Dimensions")
        json.beginArray()
        json.beginArray()
        json.string("Function")
        json.endArray()
        json.endArray()
        json.name("Metrics")
        json.beginArray()
        for (metric, _) in values {
            json.beginObject()
            json.member("Name", metric.rawValue)
            json.member("Unit", metric.unit)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        json.endArray()
        json.endObject()
        json.member("Function", function)
        for (name, value) in properties { json.member(name, value) }
        for (metric, value) in values { json.member(metric.rawValue, value) }
        json.endObject()
        return json.bytes + [UInt8(ascii: "\n")]
    }
}
