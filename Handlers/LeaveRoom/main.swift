import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in await LeaveRoom(services).handle(event) }
}
