import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in await History(services).handle(event) }
}
