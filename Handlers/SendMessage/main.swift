import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in await SendMessage(services).handle(event) }
}
