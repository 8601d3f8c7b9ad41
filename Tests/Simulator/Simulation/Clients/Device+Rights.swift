/// What a device's tokens allow.
extension Device {
    func mayJoin(_ room: String) -> Bool { allowedRooms?.contains { room.hasPrefix($0.dropLast()) } ?? true }
    var maySpeakToEveryone: Bool { roles.contains("admin") }
}
