import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in await Default(services).handle(event) }
}
