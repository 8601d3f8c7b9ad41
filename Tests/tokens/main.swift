import Glibc
import JSONCoding
import Tokens

// Verifies tokens for tests in other languages: a JSON object in each line of standard input, one in each line of standard output.
//
//     {"keys": DOCUMENT}                    the keys from here on      -> {"keys": COUNT, "ignored": [REASON, ...]}
//     {"secret": TEXT}                      one secret from here on    -> {"keys": 1, "ignored": []}
//     {"token": TEXT, "now": MILLISECONDS}  one token                  -> {"sub": …, "tenantId": …, "exp": …} or {"refused": REASON}
//
// With "secrets": true a document may hold secrets; with "times" a token is verified so often, and "cpu" says how many
// nanoseconds of a processor each took.

/// What this thread has used of a processor, in nanoseconds.
func processorTime() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

func keys(_ request: JSONObject, answer: inout JSONWriter) -> [TokenKey] {
    do throws(KeyError) {
        if let secret = request["secret"]?.string {
            let key = try TokenKey(secret: Array(secret.utf8))
            answer.member("keys", 1)
            return [key]
        }
        let document = Array((request["keys"]?.string ?? "").utf8)
        let set = try JWKSet(parsing: document, allowsSecrets: request["secrets"]?.bool ?? false)
        answer.member("keys", set.keys.count)
        answer.member("ignored", set.ignored.map(\.reason.logReason))
        return set.keys
    } catch {
        answer.member("refused", error.logReason)
        return []
    }
}

func verify(_ token: String, _ request: JSONObject, _ verifier: TokenVerifier, answer: inout JSONWriter) {
    guard let now = request["now"]?.int64 else { return answer.member("refused", "no time given") }
    let times = max(1, request["times"]?.int64 ?? 1)
    let began = processorTime()
    for _ in 1..<times { _ = try? verifier.verify(token, now: now) }
    do {
        let claims = try verifier.verify(token, now: now)
        answer.member("sub", claims.subject)
        answer.member("tenantId", claims.tenant)
        answer.member("exp", claims.expiresAt)
    } catch {
        answer.member("refused", error.logReason)
    }
    answer.member("cpu", (processorTime() - began) / Int(times))
}

var verifier = TokenVerifier(keys: KeySet([]))
while let line = readLine() {
    var answer = JSONWriter(capacity: 256)
    answer.beginObject()
    if let request = try? JSONParser.parse(line).object {
        if let token = request["token"]?.string {
            verify(token, request, verifier, answer: &answer)
        } else {
            verifier = TokenVerifier(keys: KeySet(keys(request, answer: &answer)))
        }
    } else {
        answer.member("refused", "not a request")
    }
    answer.endObject()
    print(String(decoding: answer.bytes, as: UTF8.self))
}
