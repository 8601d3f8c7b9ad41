import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in await Connect(services).handle(event) }
}
