/// What goes wrong in a run, as probabilities in ten thousand. Each run has weather of its own.
struct Weather: Equatable {
    // Of a call of the table
    /// Refused, nothing happened.
    var throttled = 0
    /// Failed, nothing happened.
    var unavailable = 0
    /// Failed, and yet it took effect.
    var answerLost = 0
    /// Failed, and takes effect some seconds later.
    var effectLate = 0
    /// Sent twice, because the first answer was lost; the caller sees the second.
    var repeated = 0
    /// A transaction met another one.
    var conflict = 0
    /// Takes seconds.
    var slow = 0
    /// The instance dies before or after it.
    var dies = 0

    // Of a post
    /// Answered by anything but 200 and 410, whether it arrived or not.
    var postFails = 0

    // Of an event
    /// Its function is not run, or fails before it began.
    var invocationFails = 0
    var disconnectLost = 0
    var disconnectLate = 0
    var disconnectRepeated = 0
    /// The queue gives out what it has given out; the stream a record that it had.
    var deliveredAgain = 0

    /// Of the whole server, once a second, where there is only one.
    var crashes = 0

    static let calm = Weather()

    /// What can befall one server: no event and no post has a way to go, and a write that fails has not been made.
    var indoors: Weather {
        var weather = Weather()
        (weather.unavailable, weather.slow) = (unavailable, slow)
        weather.crashes = crashes
        return weather
    }

    /// Three runs in twenty are calm; in the others each fault has a rate of its own, often none.
    static func draw(_ chance: inout Chance) -> Weather {
        guard chance.below(20) > 2 else { return .calm }
        var weather = Weather()
        let calls: [WritableKeyPath<Weather, Int>] = [
            \.throttled, \.unavailable, \.answerLost, \.effectLate, \.repeated, \.conflict, \.slow, \.dies,
        ]
        let events: [WritableKeyPath<Weather, Int>] = [
            \.postFails, \.invocationFails, \.disconnectLost, \.disconnectLate, \.disconnectRepeated, \.deliveredAgain,
        ]
        for fault in calls { weather[keyPath: fault] = chance.pick([0, 0, 20, 60, 200]) }
        for fault in events { weather[keyPath: fault] = chance.pick([0, 0, 100, 500, 3000]) }
        weather.invocationFails /= 3
        weather.crashes = chance.pick([0, 20, 100])
        return weather
    }
}
