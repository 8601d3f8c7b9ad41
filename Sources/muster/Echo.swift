import ChatHandlers
import Gateway
import LocalServer

/// `muster echo`: the gateway's WebSocket engine with an echo behind it, for protocol conformance suites.
enum Echo: Command {
    static let name = "echo"
    static let synopsis = "[--port 9001]"
    static let summary = "Echoes every WebSocket message, for protocol conformance suites."
    static let positionals = 0...0
    static let options = [
        Option("host", "ADDRESS", "address to listen on (127.0.0.1)"),
        Option("port", "PORT", "port to listen on; 0: any free one (9001)"),
    ]

    static func run(_ arguments: Arguments) async throws {
        let host = arguments.text("MUSTER_HOST") ?? "127.0.0.1"
        let port: UInt16
        do throws(SettingError) {
            port = try VariableReader(arguments.variables).port("MUSTER_PORT") ?? 9001
        } catch {
            throw arguments.explain(error.description)
        }
        raiseDescriptorLimit()
        let server: EchoServer
        do throws(GatewayError) {
            server = try EchoServer(host: host, port: port)
        } catch {
            throw CommandFailure(ServerError(describing: error).description)
        }
        Output.write("muster: echo on ws://\(host):\(server.port)\n")
        waitForStopSignal()
        await server.stop()
    }
}
