import ChatHandlers
import HandlerMain

await LambdaFunction.serveAlone { verifier, settings, log in
    let authorizer = Authorizer(verifier: verifier, settings: settings, log: log)
    return { event in try await authorizer.handle(event) }
}
