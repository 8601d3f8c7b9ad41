import ChatHandlers
import HandlerMain

await LambdaFunction.servePosts { services, poster in
    { payload, deadline in (try await Fanout(services, poster: poster).handle(payload, deadline: deadline), nil) }
}
