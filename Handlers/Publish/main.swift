import ChatHandlers
import HandlerMain

await LambdaFunction.serve { services in
    { event in
        let outcome = await Publish(services).handle(event)
        return (outcome.response.body ?? [], outcome.afterward)
    }
}
