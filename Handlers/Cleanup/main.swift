import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in (try await Cleanup(services).handle(event), nil) }
}
