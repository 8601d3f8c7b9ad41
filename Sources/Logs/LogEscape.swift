/// A JSON string that is also safe to print: besides what JSON escapes, everything a terminal or a viewer acts on.
func quoted(_ text: String) -> [UInt8] {
    var output: [UInt8] = [UInt8(ascii: "\"")]
    output.reserveCapacity(text.utf8.count + 2)
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\":
            output.append(UInt8(ascii: "\\"))
            output.append(UInt8(scalar.value))
        case "\n": output.append(contentsOf: #"\n"#.utf8)
        case "\r": output.append(contentsOf: #"\r"#.utf8)
        case "\t": output.append(contentsOf: #"\t"#.utf8)
        case _ where isActive(scalar):
            let digits = String(scalar.value, radix: 16)
            output.append(contentsOf: #"\u"#.utf8)
            output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
            output.append(contentsOf: digits.utf8)
        default: output.append(contentsOf: UTF8.encode(scalar)!)
        }
    }
    output.append(UInt8(ascii: "\""))
    return output
}

/// Control characters (with C1, of which U+009B starts a terminal's escape codes), the Unicode line breaks, and the
/// marks that turn the direction of text around.
private func isActive(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00...0x1F, 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
}
