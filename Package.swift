// swift-tools-version: 6.2
import PackageDescription

let safe: [SwiftSetting] = [.strictMemorySafety()]

/// A library target under `Sources/`.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: safe)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)")
}

/// One Lambda function: a composition root under `Handlers/<Name>/main.swift`.
func handler(_ name: String) -> Target {
    .executableTarget(
        name: name, dependencies: ["ChatHandlers", "HandlerMain"],
        path: "Handlers/\(name)", swiftSettings: safe)
}

let handlers = [
    "Connect", "Disconnect", "Default", "JoinRoom", "LeaveRoom", "SendMessage",
    "Heartbeat", "Online", "History", "Cleanup", "Fanout", "Authorizer", "Publish",
]

let package = Package(
    name: "muster",
    products: [.executable(name: "muster", targets: ["muster"])]
        + handlers.map { .executable(name: $0, targets: [$0]) },
    targets: [
        // C, as far as Swift cannot call it itself
        .systemLibrary(name: "CSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CLinux", path: "Sources/CLinux"),
        .target(name: "CCurl", path: "Sources/CCurl", linkerSettings: [.linkedLibrary("dl")]),

        // The words, their JSON, and where they are kept
        library("ChatModel"),
        library("JSONCoding"),
        library("Logs", ["ChatModel", "JSONCoding"]),
        library("Metrics", ["JSONCoding"]),
        library("ChatWire", ["ChatModel", "JSONCoding"]),
        library("ChatStore", ["ChatModel"]),
        library("MemoryTable", ["ChatModel", "ChatStore"]),
        library("SQLiteTable", ["ChatStore", "JSONCoding", "CSQLite", "CLinux"]),
        library("ChatBroadcast", ["ChatModel", "ChatWire", "ChatStore", "Logs", "Metrics"]),
        library("Tokens", ["JSONCoding", "COpenSSL"]),
        .target(
            name: "ChatHandlers",
            dependencies: [
                "ChatModel", "ChatWire", "ChatStore", "ChatBroadcast", "Tokens", "Logs", "Metrics", "JSONCoding", "HTTPCodec",
            ],
            path: "Handlers/ChatHandlers", swiftSettings: safe),

        // The two engines: sockets here, Lambda there
        library("HTTPCodec"),
        library("WebSocketCodec", ["HTTPCodec"]),
        library("Gateway", ["ChatModel", "ChatWire", "JSONCoding", "Logs", "HTTPCodec", "WebSocketCodec", "CLinux", "COpenSSL"]),
        library("LoopbackHTTP", ["HTTPCodec"]),
        library("LambdaRuntime", ["HTTPCodec", "LoopbackHTTP"]),

        // AWS
        library("AWSClient", ["HTTPCodec", "JSONCoding", "Logs", "CCurl", "COpenSSL"]),
        library("DynamoTable", ["ChatModel", "ChatStore", "JSONCoding", "AWSClient"]),
        library("AWSPosters", ["ChatModel", "ChatWire", "ChatBroadcast", "JSONCoding", "HTTPCodec", "AWSClient", "Logs"]),

        library("KeySources", ["ChatHandlers", "Tokens", "AWSClient"]),

        .target(
            name: "HandlerMain",
            dependencies: [
                "ChatModel", "ChatWire", "ChatStore", "SQLiteTable", "DynamoTable", "ChatBroadcast", "ChatHandlers",
                "KeySources", "Logs", "Metrics", "LambdaRuntime", "AWSClient", "AWSPosters",
            ],
            path: "Handlers/HandlerMain", swiftSettings: safe),
        library("LocalServer", [
            "ChatModel", "ChatWire", "ChatStore", "SQLiteTable", "ChatBroadcast", "ChatHandlers",
            "KeySources", "Logs", "Gateway", "HTTPCodec", "JSONCoding", "CLinux",
        ]),
        library("LoadTest", ["JSONCoding", "HTTPCodec", "WebSocketCodec", "CLinux", "CCurl"]),
        .executableTarget(
            name: "muster",
            dependencies: [
                "LoadTest", "JSONCoding", "LocalServer", "Gateway", "ChatModel", "ChatWire", "ChatStore", "SQLiteTable", "DynamoTable",
                "AWSClient", "AWSPosters", "ChatHandlers", "KeySources", "Tokens", "Logs", "HTTPCodec", "LoopbackHTTP",
            ],
            path: "Sources/muster", swiftSettings: safe),
    ]
        + handlers.map(handler)
        + [
            tests("StructureTests", []),
            .target(
                name: "TestSupport", dependencies: ["WebSocketCodec", "HTTPCodec", "AWSClient", "JSONCoding", "Logs"], path: "Tests/TestSupport"),
            .target(
                name: "Simulation",
                dependencies: [
                    "ChatModel", "ChatStore", "ChatWire", "ChatBroadcast", "ChatHandlers", "MemoryTable", "LocalServer", "Gateway",
                    "AWSPosters", "AWSClient", "Tokens", "Logs", "JSONCoding",
                ],
                path: "Tests/Simulator/Simulation"),
            .executableTarget(name: "simulate", dependencies: ["Simulation", "Logs"], path: "Tests/Simulator/simulate", swiftSettings: safe),
            .executableTarget(name: "verify-tokens", dependencies: ["Tokens", "JSONCoding"], path: "Tests/tokens", swiftSettings: safe),
            .target(name: "CodecChecks", dependencies: ["WebSocketCodec", "HTTPCodec"], path: "Tests/fuzz/Checks"),
            .target(
                name: "InputChecks",
                dependencies: ["CodecChecks", "ChatModel", "ChatStore", "ChatWire", "JSONCoding", "Tokens", "COpenSSL"],
                path: "Tests/fuzz/InputChecks"),
            tests("FuzzTests", ["InputChecks", "CodecChecks", "Tokens", "JSONCoding"]),
            tests("JSONCodingTests", ["JSONCoding"]),
            tests("LogsTests", ["Logs", "JSONCoding"]),
            tests("MetricsTests", ["Metrics", "JSONCoding"]),
            tests("AWSClientTests", ["AWSClient", "HTTPCodec", "Logs", "TestSupport"]),
            tests("KeySourcesTests", ["KeySources", "ChatHandlers", "Tokens"]),
            tests("TokensTests", ["Tokens", "JSONCoding"]),
            tests("TableTests", [
                "ChatModel", "ChatStore", "MemoryTable", "SQLiteTable", "DynamoTable", "AWSClient", "JSONCoding", "Logs", "TestSupport",
            ]),
            tests("HTTPCodecTests", ["HTTPCodec"]),
            tests("WebSocketCodecTests", ["WebSocketCodec", "HTTPCodec", "TestSupport", "CodecChecks"]),
            tests("LambdaRuntimeTests", ["LambdaRuntime", "LoopbackHTTP", "HTTPCodec"]),
            tests("GatewayTests", [
                "Gateway", "ChatModel", "ChatWire", "JSONCoding", "Logs", "HTTPCodec", "WebSocketCodec", "TestSupport",
            ]),
            tests("ModelTests", ["ChatModel"]),
            tests("WireTests", ["ChatModel", "ChatWire", "JSONCoding"]),
            tests("CostTests", [
                "ChatModel", "ChatStore", "ChatWire", "ChatBroadcast", "ChatHandlers", "MemoryTable", "Logs", "AWSClient", "AWSPosters",
                "DynamoTable", "HTTPCodec", "TestSupport",
            ]),
            tests("HandlerTests", [
                "ChatHandlers", "ChatBroadcast", "ChatStore", "ChatWire", "ChatModel", "MemoryTable", "Tokens", "Logs", "Metrics", "JSONCoding",
                "Simulation", "SQLiteTable", "TestSupport",
            ]),
            tests("SimulatorTests", ["Simulation", "ChatModel", "ChatStore"]),
            tests("AWSPostersTests", [
                "AWSPosters", "AWSClient", "ChatBroadcast", "ChatModel", "ChatWire", "JSONCoding", "HTTPCodec", "Logs",
            ]),
            tests("LoadTestTests", ["LoadTest", "JSONCoding"]),
            tests("StoreTests", ["ChatModel", "ChatStore", "MemoryTable", "SQLiteTable"]),
            tests("LocalServerTests", [
                "LocalServer", "Gateway", "ChatBroadcast", "ChatStore", "ChatModel", "MemoryTable", "SQLiteTable", "Logs",
                "TestSupport",
            ]),
        ]
)
