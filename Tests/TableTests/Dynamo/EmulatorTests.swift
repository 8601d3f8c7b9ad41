import TestSupport
import Testing

@Suite struct EmulatorTests {
    @Test(.enabled(if: Emulator.isRequired)) func `where an emulator is required DynamoDB is among the engines`() {
        #expect(Engine.all.contains { $0.isDynamo })
    }
}
