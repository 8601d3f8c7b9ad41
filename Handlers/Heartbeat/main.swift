import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in await Heartbeat(services).handle(event) }
}
