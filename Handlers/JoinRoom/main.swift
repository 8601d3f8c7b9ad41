import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in await JoinRoom(services).handle(event) }
}
