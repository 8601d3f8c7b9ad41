import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in await Disconnect(services).handle(event) }
}
