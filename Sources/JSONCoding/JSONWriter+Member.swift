/// A name and its value in one line.
extension JSONWriter {
    public mutating func member(_ name: String, _ value: String) {
        self.name(name)
        string(value)
    }

    public mutating func member(_ name: String, _ value: Int64) {
        self.name(name)
        number(value)
    }

    public mutating func member(_ name: String, _ value: Int) {
        self.name(name)
        number(value)
    }

    public mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        bool(value)
    }

    public mutating func member(_ name: String, _ value: JSONNumber) {
        self.name(name)
        number(value)
    }

    public mutating func member(_ name: String, _ value: JSONValue) {
        self.name(name)
        self.value(value)
    }

    /// A list of strings.
    public mutating func member(_ name: String, _ values: [String]) {
        self.name(name)
        beginArray()
        for value in values { string(value) }
        endArray()
    }

    /// Writes nothing when there is no value.
    public mutating func member(_ name: String, ifPresent value: String?) {
        if let value { member(name, value) }
    }

    /// Writes nothing when there is no value.
    public mutating func member(_ name: String, ifPresent value: Int64?) {
        if let value { member(name, value) }
    }

    /// Writes nothing when there is no value.
    public mutating func member(_ name: String, ifPresent value: JSONValue?) {
        if let value { member(name, value) }
    }

    /// A value that is JSON already. Not checked: what is given here is what the peer reads.
    public mutating func member(_ name: String, raw fragment: some Collection<UInt8>) {
        self.name(name)
        raw(fragment)
    }
}
