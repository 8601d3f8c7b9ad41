import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in await Online(services).handle(event) }
}
